"""Answers inside other JSON: in a tool call, in a list, or items without the whole; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from forge_core.llm.answers.candidates import read_nested
from forge_core.llm.answers.fields import fold_key, list_fields, list_lists, list_required

ARGUMENTS = frozenset({"arguments", "parameters", "args", "params", "input", "kwargs"})
"""Keys under which the call of a tool has its arguments."""

MAX_WRAPPERS = 6
"""Values around an answer."""

AS_TEXT = "JSON inside a string"
WRAPPED = "inside other JSON"
AS_CALL = "a tool call written as text"
AS_PART = "its {name} without the object around them"
"""Forms of answers, for the record."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """An answer's object, and what was around it."""

    value: Mapping[str, object]
    notes: tuple[str, ...] = ()
    is_call: bool = False
    """Whether it is the arguments of a tool call that is written as text."""


def find_answers(value: object, output: type[BaseModel], *, is_whole: bool) -> list[Wrapped]:
    """Return the answers that a value is or holds.

    Args:
        value: What was read as JSON.
        output: What an answer has to fit.
        is_whole: Whether items of an answer's lists may stand for the answer.
    """
    return list(_Finder(output).find(value, is_whole, MAX_WRAPPERS))


class _Finder:
    def __init__(self, output: type[BaseModel]) -> None:
        self._output = output
        self._lists = {fold_key(name) for name in list_lists(output)}

    def find(self, value: object, is_whole: bool, depth: int) -> Iterator[Wrapped]:
        """Yield the answers inside a value, up to so many wrappings."""
        if isinstance(value, str):
            inner = read_nested(value)
            if depth and inner is not value:
                yield from _note(self.find(inner, is_whole, depth - 1), AS_TEXT)
        elif isinstance(value, Mapping) and not self._lists.isdisjoint(map(fold_key, value)):
            yield Wrapped(value)
        elif (part := self._classify(value)) is not None:
            if is_whole:
                yield part
        elif depth and isinstance(value, Mapping):
            yield from self._find_inside(value, is_whole, depth - 1)
        elif depth and isinstance(value, list):
            yield from _note(
                (one for item in value for one in self.find(item, False, depth - 1)), WRAPPED
            )

    def _find_inside(
        self,
        value: Mapping[str, object],
        is_whole: bool,
        depth: int,
    ) -> Iterator[Wrapped]:
        for key, inner in value.items():
            is_call = key in ARGUMENTS
            if is_call or len(value) == 1 or isinstance(inner, dict | list):
                alone = is_whole and (is_call or len(value) == 1)
                note = AS_CALL if is_call else WRAPPED
                for one in _note(self.find(inner, alone, depth), note):
                    yield Wrapped(one.value, one.notes, is_call or one.is_call)

    def _classify(self, value: object) -> Wrapped | None:
        """Make an answer of items of its lists, each of which can stand in one list only."""
        items = value if isinstance(value, list) else [value]
        lists: dict[str, list[object]] = {}
        for item in items:
            names = self._find_lists(item)
            if len(names) != 1:
                return None
            lists.setdefault(names[0], []).append(item)
        note = AS_PART.format(name=" and ".join(f"`{name}`" for name in lists))
        return Wrapped(dict(lists), (note,)) if lists else None

    def _find_lists(self, item: object) -> list[str]:
        if not isinstance(item, Mapping):
            return []
        keys = {fold_key(key) for key in item}
        return [
            field.name
            for field in list_fields(self._output).values()
            if field.kind == "objects"
            and field.item is not None
            and keys.issuperset(map(fold_key, list_required(field.item)))
        ]


def _note(answers: Iterator[Wrapped], note: str) -> Iterator[Wrapped]:
    for one in answers:
        yield Wrapped(one.value, (note, *one.notes), one.is_call)
