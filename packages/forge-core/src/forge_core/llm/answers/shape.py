"""An answer's object in the shape of its model, where it can only be meant so; pure.

What is read so is noted. Nothing comes into being that the answer does not say, but for the name of
a step without one, which is its place in the plan: names are Forge's to give, as the task's is.

See D82.
"""

from collections.abc import Mapping

from pydantic import BaseModel

from forge_core.llm.answers.candidates import read_nested
from forge_core.llm.answers.fields import (
    ALIASES,
    IDS,
    PATHS,
    AnswerField,
    fold_key,
    list_fields,
    list_required,
)
from forge_core.llm.answers.paths import normalise_path

PLACES = {"step_id": "step", "sub_task_id": "part"}
"""What a part of a plan without a name is called, with its place from 1 behind it."""


FLAGS = {"true": True, "false": False, "null": None, "none": None, "": None}
"""Texts that say what is no text."""


class TwoReadings(ValueError):
    """An answer gives one field twice."""


class Shaper:
    """Brings answers into the shape of their models, and keeps notes of what that took."""

    def __init__(self) -> None:
        """Begin without notes."""
        self.notes: dict[str, None] = {}

    def shape(
        self, said: Mapping[str, object], model: type[BaseModel], where: str = ""
    ) -> dict[str, object]:
        """Return an object by the names of its model's fields; unknown keys are left out.

        Args:
            said: The object as it was sent.
            model: What it has to fit.
            where: Where it stands in the answer, with a dot behind.

        Raises:
            TwoReadings: Two of its keys mean one field and have different values.
        """
        shaped: dict[str, object] = {}
        for name, field in list_fields(model).items():
            values = self._find_values(said, name, where)
            if values:
                value = self._shape_field(values[0], field, where)
                if value is not None or not self._is_left_out(field):
                    shaped[name] = value
        return shaped

    def _find_values(self, said: Mapping[str, object], name: str, where: str) -> list[object]:
        folded = fold_key(name)
        spellings = [key for key in said if fold_key(key) == folded]
        if not spellings and name in ALIASES:
            spellings = [key for key in said if fold_key(key) in ALIASES[name]]
        values = [said[key] for key in spellings]
        if any(value != values[0] for value in values):
            raise TwoReadings(
                f"`{where}{name}` is given twice, with different values: give it once"
            )
        if spellings and name not in spellings:
            self._note(f"`{name}` under another key")
        return values

    @staticmethod
    def _is_left_out(field: AnswerField) -> bool:
        """Whether null says the same as leaving the field out."""
        return not field.is_required and not field.may_be_null

    def _shape_field(self, value: object, field: AnswerField, where: str) -> object:
        place = f"{where}{field.name}"
        if value is None:
            if not self._is_left_out(field):
                return None
            self._note(f"null for `{field.name}`")
            return [] if field.kind in {"texts", "objects"} else None
        if field.kind == "text":
            return self._shape_text(value, field.name)
        if field.kind == "flag":
            return self._shape_flag(value, field)
        if field.kind == "object" and field.item is not None:
            value = self._decode(value, field.name)
            if not isinstance(value, Mapping):
                return value
            return self.shape(value, field.item, f"{place}.")
        if field.kind == "texts":
            return self._shape_texts(value, field.name, is_paths=_names_paths(place))
        return self._shape_objects(value, field, place) if field.kind == "objects" else value

    def _shape_text(self, value: object, name: str) -> object:
        if name in PATHS and isinstance(value, str):
            return self._shape_path(value)
        if name in IDS and isinstance(value, int) and not isinstance(value, bool):
            self._note(f"a number as `{name}`")
            return str(value)
        return value

    def _shape_flag(self, value: object, field: AnswerField) -> object:
        word = value.strip().lower() if isinstance(value, str) else None
        if word not in FLAGS or (FLAGS[word] is None and not field.may_be_null):
            return value
        self._note(f"a text for `{field.name}`")
        return FLAGS[word]

    def _shape_path(self, path: str) -> str:
        normal = normalise_path(path)
        if normal != path:
            self._note("another spelling of a path")
        return normal

    def _shape_texts(self, value: object, name: str, *, is_paths: bool) -> object:
        value = self._decode(value, name)
        if value in ("", {}):
            self._note(f"nothing for `{name}`")
            return []
        items = value if isinstance(value, list) else [value]
        if items is not value:
            self._note(f"one item instead of a list for `{name}`")
        return [self._shape_item_text(item, is_paths=is_paths) for item in items]

    def _shape_item_text(self, item: object, *, is_paths: bool) -> object:
        if not is_paths:
            return item
        if isinstance(item, Mapping) and len(item) == 1:
            [(key, value)] = item.items()
            if fold_key(key) in {"filepath", *ALIASES["file_path"]} and isinstance(value, str):
                self._note("an object instead of a path")
                item = value
        return self._shape_path(item) if isinstance(item, str) else item

    def _shape_objects(self, value: object, field: AnswerField, place: str) -> object:
        value = self._decode(value, field.name)
        if value in ("", {}):
            self._note(f"nothing for `{field.name}`")
            return []
        if field.item is None:
            return value
        if isinstance(value, Mapping):
            value = self._list_objects(value, field, field.item)
        if not isinstance(value, list):
            return value
        return [
            self._shape_item(self._decode(item, field.name), field.item, f"{place}[{number}].")
            for number, item in enumerate(value)
        ]

    def _shape_item(self, item: object, model: type[BaseModel], where: str) -> object:
        if not isinstance(item, Mapping):
            return item
        shaped = self.shape(item, model, where)
        for name, word in PLACES.items():
            if name in list_fields(model) and shaped.get(name) is None:
                shaped[name] = f"{word}-{int(where.rpartition('[')[2].rstrip('].')) + 1}"
                self._note(f"places in the plan for missing `{name}`")
        return shaped

    def _list_objects(
        self, value: Mapping[str, object], field: AnswerField, model: type[BaseModel]
    ) -> object:
        """Read one object instead of a list, or objects by their paths."""
        folded = {fold_key(name) for name in list_fields(model)}
        folded |= {alias for name in list_fields(model) for alias in ALIASES.get(name, ())}
        if not folded.isdisjoint(map(fold_key, value)):
            self._note(f"one object instead of a list for `{field.name}`")
            return [value]
        required = list_required(model)
        if required[:1] != ["file_path"]:
            return value
        items: list[object] = []
        for path, said in value.items():
            for one in said if isinstance(said, list) else [said]:
                if isinstance(one, str) and len(required) == len(("file_path", "text")):
                    items.append({"file_path": path, required[1]: one})
                elif isinstance(one, Mapping) and "file_path" not in one:
                    items.append({**one, "file_path": path})
                else:
                    return value
        self._note(f"paths as keys of `{field.name}`")
        return items

    def _decode(self, value: object, name: str) -> object:
        """Read JSON that stands in a string."""
        if not isinstance(value, str):
            return value
        decoded = read_nested(value)
        if not isinstance(decoded, list | dict):
            return value
        self._note(f"`{name}` as JSON in a string")
        return decoded

    def _note(self, note: str) -> None:
        self.notes[note] = None


def _names_paths(place: str) -> bool:
    return place.rpartition(".")[2] in PATHS or place in PATHS
