"""Where a text stands in what is on record of a call; pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "prompts": ("system_prompt", "user_prompt"),
    "answers": ("response", "explanation"),
    "errors": ("error", "error_type", "outcome_reason"),
    "messages": ("messages_json",),
}
"""Columns that can be searched, by what they hold."""

HAS_NUL: Final = "has NUL characters"
"""What `notes` say of a column behind whose first NUL SQL's LIKE finds nothing."""

_LONGEST_LIKE: Final = 10_000
"""Characters of a text that SQLite still looks for by itself; it takes 50,000 bytes."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""Stands for a byte that is no UTF-8, or for nothing."""


@dataclass(frozen=True)
class Match:
    """Where a text was found.

    Attributes:
        place: One of `PLACES`.
        column: The column.
        start: Its first character in the column's text.
        end: The character after its last.
    """

    place: str
    column: str
    start: int
    end: int


@dataclass(frozen=True)
class TextSearch:
    """What to look for, and where.

    Attributes:
        text: A part of a text, or a regular expression.
        is_regex: Which of the two. In a part of a text upper and lower case of ASCII letters are
            the same; `^` and `$` of an expression stand for the ends of lines, too.
        places: Some of `PLACES`; all if empty.
    """

    text: str
    is_regex: bool = False
    places: Sequence[str] = ()

    @property
    def columns(self) -> dict[str, str]:
        """The places by the columns to look into, in order."""
        places = [place for place in PLACES if place in (self.places or PLACES)]
        return {column: place for place in places for column in PLACES[place]}

    @property
    def like(self) -> tuple[str, str | None] | None:
        """The pattern of SQL's LIKE that finds the same rows, and its escape character if any.

        None where LIKE cannot: for an expression, and a text that is too long or no text for it.
        It ends at a NUL in what it looks through; such rows say `HAS_NUL`.
        """
        if self.utf8 is None or len(self.text) > _LONGEST_LIKE or "\0" in self.text:
            return None
        if not set(self.text) & set("%_\\"):
            return f"%{self.text}%", None
        escaped = re.sub(r"([%_\\])", r"\\\1", self.text)
        return f"%{escaped}%", "\\"

    @property
    def utf8(self) -> bytes | None:
        """The bytes that stand for it in UTF-8; None for an expression, and where there are none.

        Upper and lower case of ASCII letters are still the same.
        """
        return None if self.is_regex or _SURROGATE.search(self.text) else self.text.encode()

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What finds it.

        Raises:
            re.error: The text is no regular expression.
        """
        if self.is_regex:
            return re.compile(self.text, re.MULTILINE)
        return re.compile(re.escape(self.text), re.IGNORECASE | re.ASCII)

    def find(self, texts: Mapping[str, object]) -> Iterator[Match]:
        """Find the first match in each column that has one, in the order of the columns.

        Args:
            texts: What columns hold, by their names; what is no text is passed over.
        """
        for column, place in self.columns.items():
            text = texts.get(column)
            match = self.pattern.search(text) if isinstance(text, str) else None
            if match is not None:
                yield Match(place, column, *match.span())
