"""What is known of a request to a model, open or packed. Pure."""

import marshal
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import orjson

from forge_obs.model.entries import Entry

Fields = dict[str, object]
"""Keywords of `record("interaction", ...)`."""

_MOST_MEASURED: Final = 20_000
"""How many values are measured one by one; what else there is counts as small."""

_VALUE_BYTES: Final = 100
"""How much a value takes about besides its text."""

PLAIN: Final = 2
"""Version of `marshal` that looks for no value that comes twice."""

_BEGAN: Final = "created_at"


class Told:
    """What is told of a request.

    Most of what is kept for what may be told later is never asked for, so that it may stay packed.

    Args:
        fields: Keywords of `record("interaction", ...)`; None where they are packed.
        packed: What `pack` gave.
        entry: What is to be written where nothing else tells of the request, if that is built.
    """

    __slots__ = ("_fields", "_packed", "entry")

    def __init__(
        self, fields: Fields | None, packed: bytes = b"", entry: Entry | None = None
    ) -> None:
        self._fields = fields
        self._packed = packed
        self.entry = entry

    def open(self) -> Fields:
        """Return the keywords; packed ones stay so."""
        if self._fields is not None:
            return self._fields
        fields: Fields = marshal.loads(self._packed)  # noqa: S302 - made by `pack`
        began = fields.get(_BEGAN)
        if isinstance(began, str):
            fields[_BEGAN] = datetime.fromisoformat(began)
        return fields

    @property
    def is_empty(self) -> bool:
        """Whether nothing is told."""
        return not self._packed and not self._fields

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return measure(self._fields) if self._fields is not None else len(self._packed)

    def pack(self) -> bytes:
        """Pack the keywords.

        Raises:
            ValueError: One has a value that is more than plain, or nested too deeply.
        """
        fields = self.open()
        began = fields.get(_BEGAN)
        if isinstance(began, datetime):
            fields = {**fields, _BEGAN: began.isoformat()}
        return marshal.dumps(fields, PLAIN)


def measure(value: object) -> int:
    """Return about how many bytes of memory a value takes."""
    try:
        text = orjson.dumps(value)
    except TypeError:  # an object, a large number, a text that is no Unicode: each is looked at
        return _measure_each(value)
    return len(text) + _VALUE_BYTES * text.count(b",")


def _measure_each(value: object) -> int:
    size, waiting = 0, [value]
    for _ in range(_MOST_MEASURED):
        if not waiting:
            break
        current = waiting.pop()
        size += 56
        kind = type(current)  # nearly all are what JSON is parsed into, and told at less cost so
        if kind is str or isinstance(current, str | bytes):
            size += len(current)  # type: ignore[arg-type]
        elif kind is dict or isinstance(current, Mapping):
            waiting += current.values()  # type: ignore[attr-defined]
            size += 64 * len(current)  # type: ignore[arg-type]
        elif current is None or kind is int or kind is float:
            continue
        elif isinstance(current, list | tuple):
            waiting += current
        elif hasattr(current, "__dict__"):
            waiting.append(vars(current))
    return size + 100 * len(waiting)
