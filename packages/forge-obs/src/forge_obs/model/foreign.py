"""Objects of other people's classes, opened without calling their code where that can be avoided.

What an SDK gives may be a pydantic model, a dataclass, a protobuf message, an object with slots or
a plain mapping, of any version. Nothing here imports an SDK; what an object holds is read from
where Python keeps it. Attributes of others may still raise, which is for the caller to catch.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from numbers import Number
from typing import Any, Final, TypeAlias

from forge_obs.model.sanitize import clean_text, plain

Seal: TypeAlias = Callable[[bytes], object]
"""Gives what stands for bytes."""

DEEPEST: Final = 24
"""How deep a value is opened."""

_LONGEST_NAME: Final = 200


def read_members(value: object) -> Mapping[str, object] | None:
    """Return what an object holds by name; None for what holds nothing by name.

    Private names are left out, and so is what only a method or property would tell.
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        return value
    if isinstance(value, tuple):
        names = getattr(type(value), "_fields", None)
        return dict(zip(names, value, strict=False)) if isinstance(names, tuple) else None
    if isinstance(value, str | bytes | bytearray | memoryview | Number | Enum | type | list):
        return None
    if hasattr(type(value), "DESCRIPTOR") and hasattr(type(value), "ListFields"):
        return _read_message(value)
    members = dict(_list_members(value))
    inner = members.get("_pb")
    if hasattr(type(inner), "ListFields"):  # a wrapper of Google's around a message
        return _read_message(inner)
    return {name: member for name, member in members.items() if not name.startswith("_")}


def _list_members(value: object) -> Iterator[tuple[str, object]]:
    for kind in type(value).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            if not name.startswith("__") and hasattr(value, name):
                yield name, getattr(value, name)
    yield from getattr(value, "__dict__", {}).items()
    extra = getattr(value, "__pydantic_extra__", None)
    if isinstance(extra, dict):
        yield from extra.items()


def _read_message(message: Any) -> dict[str, object]:  # noqa: ANN401 - of a library that is not ours
    return {field.name: value for field, value in message.ListFields()}


@dataclass
class Unfolding:
    """One value on its way to plain JSON, bounded.

    Attributes:
        left: How many more values may come.
        longest: How long a text may be, in characters; longer ones are cut at their end.
        seal: What stands for bytes.
        seal_url: What stands for bytes inside an address; None leaves these as they are.
        was_cut: Whether something was left out.
    """

    left: int
    longest: int
    seal: Seal
    seal_url: Callable[[str], object] | None = None
    was_cut: bool = False

    def take(self) -> bool:
        """Take one more value; False where no more may come."""
        self.left -= 1
        if self.left < 0:
            self.was_cut = True
        return self.left >= 0

    def is_plain(self, text: str) -> bool:
        """Return whether a text would be given as it is."""
        if len(text) > self.longest or text.startswith("data:"):
            return False
        return text.isascii() or clean_text(text)[1] is None

    def unfold(self, value: object, depth: int = 0) -> object:
        """Give a value in what JSON knows."""
        self.left -= 1
        if self.left < 0 or depth > DEEPEST:
            self.was_cut = True
            return None
        kind = type(value)  # what JSON text was parsed into is known by that, at less cost
        if kind is dict and value:
            return self._unfold_members(value, depth)  # type: ignore[arg-type]
        if kind is str:
            return self._write_text(value)  # type: ignore[arg-type]
        if value is None or isinstance(value, str | int | float):
            return self._scalar(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self.seal(bytes(value))
        members = read_members(value)
        if members:
            return self._unfold_members(members, depth)
        if isinstance(value, list | tuple | set | frozenset):
            return [self.unfold(item, depth + 1) for item in self._take(value)]
        return {} if isinstance(value, Mapping) else plain(value, [])

    def _unfold_members(self, members: Mapping[str, object], depth: int) -> dict[str, object]:
        unfolded = {}
        for name, member in self._take(members.items()):
            key = name if type(name) is str and name.isascii() else clean_text(name)[0]
            unfolded[key[:_LONGEST_NAME]] = self.unfold(member, depth + 1)
        return unfolded

    def _take(self, values: Any) -> Iterator[Any]:  # noqa: ANN401 - any iterable
        """Iterate over as many as may come; an endless collection ends here."""
        room = max(self.left, 0)
        yield from islice(values, room)
        if len(values) > room:
            self.was_cut = True

    def _scalar(self, value: str | float | None) -> object:
        if isinstance(value, Enum):
            return self._scalar(value.value)
        return self._write_text(value) if isinstance(value, str) else plain(value, [])

    def _write_text(self, value: str) -> object:
        text = value if type(value) is str and value.isascii() else clean_text(value)[0]
        if self.seal_url is not None and text.startswith("data:") and ";base64," in text[:200]:
            return self.seal_url(text)
        if len(text) > self.longest:
            self.was_cut = True
            return text[: self.longest] + "…"
        return text


def to_plain(value: object) -> object:
    """Reduce what has no members to what JSON knows: its number or text, else its type's name."""
    if isinstance(value, Enum):
        return to_plain(value.value)
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    return plain(value, [])
