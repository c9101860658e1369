"""Types of options that several commands have."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, Token
from cyclopts.validators import Number
from forge_core.errors import UsageError


def parse_seconds(_type: type, tokens: Sequence[Token]) -> float:
    """Read a length of time, in seconds or with its unit.

    Raises:
        ValueError: It is neither.
    """
    return parse_length(tokens[0].value).total_seconds()


Switch = Annotated[bool, Parameter(negative="", show_default=False)]
"""An option without a value."""

FULL = Parameter(name=("--full", "--verbose"), negative="", show_default=False)
"""Describe the switch for whole prompts and answers, under the name of today and that of old."""

OptionalChoice = Annotated[bool | None, Parameter(show_default=False, n_tokens=0)]
"""A switch and its opposite; None where neither was given, so that a file may say it.

Without `n_tokens` the completion of shells takes it for one with a value.
"""


def _parse_path(_type: type, tokens: Sequence[Token]) -> Path:
    """Read a path; the library would take an empty one for the current directory.

    Raises:
        ValueError: It is empty.
    """
    if not tokens[0].value:
        raise ValueError("the path is empty")
    return Path(tokens[0].value)


FilePath = Annotated[Path, Parameter(converter=_parse_path)]
"""A file or directory."""

OptionalPath = Annotated[Path | None, Parameter(converter=_parse_path)]
"""The same where none need be named."""


def whole(least: int, most: int | None = None) -> Parameter:
    """Describe an option that is a whole number within bounds, both included."""
    return Parameter(converter=parse_whole, validator=Number(gte=least, lte=most))


MOST_DIGITS = 18
"""Digits of a whole number, which a column of the store can hold."""


def parse_whole(_type: type, tokens: Sequence[Token]) -> int:
    """Read decimal digits; the library would round fractions and take hexadecimal, too.

    Raises:
        ValueError: It is anything else.
    """
    text = tokens[0].value
    if re.fullmatch(r"[+-]?[0-9]+", text) is None:
        raise ValueError(f"{text!r} is not a whole number")
    if len(text) > MOST_DIGITS:
        raise ValueError(f"{text!r} is too large a number")
    return int(text)


UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
}
"""Lengths of time by their unit."""

DAYS = {"d": 1, "w": 7}
"""Calendar days by their unit: as long as the user's clocks make them."""


def parse_length(text: str) -> timedelta:
    """Read a length of time: a number of seconds, or one with its unit.

    Raises:
        ValueError: It is neither.
    """
    length = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*([a-z]*)", text.strip().lower())
    if length is None or (length[2] or "s") not in UNITS:
        raise ValueError(f"{text!r} is not a length of time such as 90, 30m or 2h")
    return float(length[1]) * UNITS[length[2] or "s"]


DAY_NAMES = {"today": 0, "yesterday": 1}
"""Days by how long ago they began."""

AGE = re.compile(r"(\d{1,9})\s*([a-z]+)", re.ASCII | re.IGNORECASE)


def parse_since(text: str, now: datetime, option: str = "--since") -> datetime:
    """Read an age before now, a day or a moment; these are of the user's time zone unless said.

    A day ago is the same time of the day before, also where the clocks were changed in between.

    Args:
        text: What the user wrote.
        now: The current moment, with a time zone.
        option: Where it was written, for the message.

    Raises:
        UsageError: It is neither.
    """
    age = AGE.fullmatch(text.strip())
    if age is not None and age[2] == "M":
        raise UsageError(
            f"{option} {text!r} is ambiguous: write {age[1]}m for minutes, or days, as in 30d, for "
            "months"
        )
    day = DAY_NAMES.get(text.strip().lower())
    try:
        if day is not None:
            today = now.astimezone().replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
            return (today - timedelta(days=day)).astimezone(UTC)
        if age is not None:
            return _go_back(now, int(age[1]), age[2].lower())
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (KeyError, OverflowError, ValueError):
        raise UsageError(
            f"{option} {text!r} is neither an age such as 30m, 2h or 7d, nor today, yesterday or a "
            "time such as 2026-11-01 or 2026-11-01T12:00Z"
        ) from None


def _go_back(now: datetime, number: int, unit: str) -> datetime:
    if unit not in DAYS:
        return now - number * UNITS[unit]
    local = now.astimezone().replace(tzinfo=None)
    return (local - timedelta(days=number * DAYS[unit])).astimezone(UTC)
