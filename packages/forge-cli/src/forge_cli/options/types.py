"""Kinds of options that several commands have."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, Token
from cyclopts.validators import Number

Switch = Annotated[bool, Parameter(negative="", show_default=False)]
"""An option without a value."""

Choice = Annotated[bool | None, Parameter(show_default=False, n_tokens=0)]
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


Place = Annotated[Path, Parameter(converter=_parse_path)]
"""A file or directory."""

PlaceOrNone = Annotated[Path | None, Parameter(converter=_parse_path)]
"""The same where none need be named."""


def whole(least: int, most: int | None = None) -> Parameter:
    """Describe an option that is a whole number within bounds, both included."""
    return Parameter(converter=_parse_whole, validator=Number(gte=least, lte=most))


def _parse_whole(_type: type, tokens: Sequence[Token]) -> int:
    """Read decimal digits; the library would round fractions and take hexadecimal, too.

    Raises:
        ValueError: It is anything else.
    """
    text = tokens[0].value
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text) is None:
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)
