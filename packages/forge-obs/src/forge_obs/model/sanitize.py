"""Make any value fit for the database and for JSON, saying what was changed.

Valid values come out identical. A note names the change and never repeats the value, which may be
a prompt.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from operator import index
from pathlib import PurePath
from typing import Any, Final, SupportsIndex
from uuid import UUID

import orjson

from forge_obs.model.columns import MAX_COUNT

_DEEPEST: Final = 60
_JSON_INTEGERS: Final = (-(2**63), 2**63 - 1)
_OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS


def clean_text(value: object) -> tuple[str, str | None]:
    """Give text that UTF-8 can encode; lone surrogates become visible escapes."""
    if isinstance(value, str):
        return _clean_str(str.__str__(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace"), "was bytes"
    if isinstance(value, bool | int | float | Decimal | UUID | PurePath):
        return clean_text(_scalar_text(value))[0], f"was {type(value).__name__}"
    return to_text(value), f"was {type(value).__name__}"


def _clean_str(value: str) -> tuple[str, str | None]:
    # Both tests are cheaper than an encoded copy: the first is a flag of the string object.
    if value.isascii():
        return value, None
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "backslashreplace").decode(), "lone surrogates escaped"
    return value, None


def _scalar_text(value: object) -> str:
    if isinstance(value, int) and not _fits_json(value):
        return "over-large integer"
    return str(value)


def _fits_json(value: int) -> bool:
    least, most = _JSON_INTEGERS
    return least <= int.__index__(value) <= most


def clean_count(value: object) -> tuple[int | None, str | None]:
    """Give an integer from 0 to 2^63 - 1, or None for what is no number."""
    number, note = _whole_number(value)
    if number is None or 0 <= number <= MAX_COUNT:
        return number, note
    return (0, "negative became 0") if number < 0 else (MAX_COUNT, "over-large was capped")


def _whole_number(value: object) -> tuple[int | None, str | None]:
    if isinstance(value, int):
        return int.__index__(value), None
    if isinstance(value, SupportsIndex):
        return index(value), f"was {type(value).__name__}"
    if not isinstance(value, float | str):
        return None, "not a number"
    try:
        return int(value), f"was {type(value).__name__}"
    except (ValueError, OverflowError):
        return None, "not a number"


def clean_real(value: object) -> tuple[float, str | None]:
    """Give a finite float that is not negative; anything else becomes 0."""
    if not isinstance(value, int | float | Decimal):
        return 0.0, "not a number"
    try:
        number = float(value)
    except OverflowError:
        return 0.0, "over-large became 0"
    except ValueError:  # a signalling NaN of decimal
        return 0.0, "not finite, became 0"
    if not math.isfinite(number):
        return 0.0, "not finite, became 0"
    return (number, None) if number >= 0 else (0.0, "negative became 0")


def clean_flag(value: object) -> tuple[int | None, str | None]:
    """Give 1 or 0, or None for what is neither true nor false."""
    if isinstance(value, int) and value in {0, 1}:
        return int(value), None
    return None, "neither true nor false"


def clean_time(value: object) -> tuple[str | None, str | None]:
    """Give a moment as RFC 3339 text in UTC; a naive one is local time, as Python says."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None, "not a time"
    if isinstance(value, datetime):
        try:
            return format_time(value), None
        except (OverflowError, ValueError, OSError):
            return None, "time out of range"
    return None, "not a time"


def format_time(moment: datetime) -> str:
    """Write a moment as RFC 3339 text in UTC with microseconds and `Z`; a naive one is local."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def to_json(value: object) -> bytes:
    """Serialise anything as JSON; fails only where a value's own code does.

    Moments become RFC 3339 in UTC with `Z`, non-finite numbers null, lone surrogates escapes, and
    objects that JSON has no word for the name of their type.
    """
    return _serialise(value)[0]


def _serialise(value: object) -> tuple[bytes, list[str]]:
    """Give the JSON of anything, and what was changed; non-finite numbers may go unsaid."""
    try:
        return orjson.dumps(value, _known, _OPTIONS), []
    except TypeError:
        # Surrogates, integers beyond 64 bits, keys that are no strings, cycles, deep nesting.
        notes: list[str] = []
        return orjson.dumps(plain(value, notes)), notes


def to_text(value: object) -> str:
    """Serialise anything as JSON text."""
    return to_json(value).decode()


def json_column(value: object) -> tuple[str | None, str | None]:
    """Give the JSON text of a column; JSON that is given as text stays as it is.

    Text that is no JSON becomes a JSON string, so that the column always parses.
    """
    if value is None:
        return None, None
    if isinstance(value, (str, bytes)):
        return _given_json(value)
    raw, notes = _serialise(value)
    if not notes and b"null" in raw:  # a non-finite number turned into null would go unsaid
        plain(value, notes)
    return raw.decode(), ", ".join(sorted(set(notes))) if notes else None


def _given_json(value: str | bytes) -> tuple[str, str | None]:
    text, note = clean_text(value)
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return to_text(text), "was no JSON"
    return text, note if isinstance(value, str) else None


def plain(value: object, notes: list[str], inside: tuple[int, ...] = ()) -> object:
    """Rebuild a value from what JSON knows, adding to `notes` what was changed.

    `inside` holds the identities of the containers around the value: it ends cycles.
    """
    if len(inside) > _DEEPEST or id(value) in inside:
        notes.append("nested too deeply, cut")
        return "..."
    within = (*inside, id(value))
    if isinstance(value, Mapping):
        return {clean_text(k)[0]: plain(v, notes, within) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, notes, within) for item in value]
    if isinstance(value, str | bytes | int | float | None):
        return _plain_scalar(value, notes)
    return plain(_known(value), notes, within)


def _plain_scalar(value: str | bytes | float | None, notes: list[str]) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        notes.append("non-finite number became null")
        return None
    if isinstance(value, int) and _fits_json(value):
        return value
    text, note = clean_text(value)
    notes.extend([note] if note else [])
    return text


def _known(value: object) -> object:
    """Reduce an object one step towards what JSON knows.

    A stranger becomes the name of its type: its `str()` may fail, and may show a secret.
    """
    if isinstance(value, type):
        return f"<class {value.__name__}>"
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump()
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    for kind, reduce in _REDUCTIONS:
        if isinstance(value, kind):
            return reduce(value)
    return f"<{type(value).__name__}>"


# Subclasses of built-in types come here too. The order matters: a datetime is also a date, and
# an enumeration may be a string.
_REDUCTIONS: Final[tuple[tuple[Any, Callable[[Any], object]], ...]] = (
    (datetime, lambda value: clean_time(value)[0]),
    ((date, time, Decimal, UUID, PurePath), str),
    (timedelta, timedelta.total_seconds),
    (Enum, lambda value: value.value),
    (Mapping, dict),
    (str, str.__str__),
    ((bytes, bytearray, memoryview), lambda value: bytes(value).decode(errors="backslashreplace")),
    (int, int),
    (float, float),
    ((set, frozenset, tuple, list), list),
)
