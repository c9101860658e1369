"""What the fields of an answer's models hold, as the readers of answers need to know it; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Literal, Union, get_args, get_origin

from pydantic import BaseModel

FieldKind = Literal["text", "flag", "texts", "object", "objects"]
"""A text, true or false, a list of texts, an object, a list of objects."""

PATHS = frozenset(
    {"file_path", "new_path", "deletions", "target_files", "context_files", "context_request.files"}
)
"""Fields that hold paths; one that another model has as well, with the name before."""

IDS = frozenset({"task_id", "step_id", "sub_task_id"})
"""Fields that hold names."""

ALIASES: Mapping[str, tuple[str, ...]] = {
    "file_path": ("path", "file", "filename"),
    "step_id": ("id",),
    "sub_task_id": ("id",),
}
"""Other names by which models call a field, where it is missing; folded."""


@dataclass(frozen=True, slots=True)
class AnswerField:
    """One field of a model."""

    name: str
    kind: FieldKind
    is_required: bool
    may_be_null: bool
    item: type[BaseModel] | None = None
    """Of an object or of each object in a list."""
    at_least: int = 0
    """Items that a list must have."""


@cache
def list_fields(model: type[BaseModel]) -> Mapping[str, AnswerField]:
    """Return the fields of a model by their names."""
    fields = {}
    for name, info in model.model_fields.items():
        options = _list_options(info.annotation)
        item = next((one for one in map(_find_item, options) if one is not None), None)
        at_least = max((getattr(rule, "min_length", 0) or 0 for rule in info.metadata), default=0)
        fields[name] = AnswerField(
            name,
            _find_kind(options),
            info.is_required(),
            NoneType in options,
            item,
            at_least,
        )
    return fields


def list_required(model: type[BaseModel]) -> list[str]:
    """Return the names of the fields that an object must have."""
    return [field.name for field in list_fields(model).values() if field.is_required]


@cache
def list_lists(model: type[BaseModel]) -> frozenset[str]:
    """Return the names of the lists and objects of an answer, by which it is known."""
    return frozenset(
        field.name
        for field in list_fields(model).values()
        if field.kind in {"texts", "objects", "object"}
    )


@cache
def list_keys(model: type[BaseModel]) -> frozenset[str]:
    """Return every key that an answer or a part of it has."""
    keys = set(list_fields(model))
    for field in list_fields(model).values():
        keys |= list_keys(field.item) if field.item is not None else frozenset()
    return frozenset(keys)


def fold_key(key: str) -> str:
    """Return what is equal for the spellings of one key: file_path, filePath, File-Path."""
    return "".join(char for char in key.casefold() if char not in "_- ")


def _list_options(annotation: object) -> tuple[object, ...]:
    return get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)


def _find_item(annotation: object) -> type[BaseModel] | None:
    inner = get_args(annotation)[0] if get_origin(annotation) is tuple else annotation
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def _find_kind(options: tuple[object, ...]) -> FieldKind:
    for option in options:
        item = _find_item(option)
        if get_origin(option) is tuple:
            return "texts" if item is None else "objects"
        if item is not None:
            return "object"
        if option is bool:
            return "flag"
    return "text"
