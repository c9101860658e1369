"""How much room there is for text, and text that is cut or wrapped to it, measured in cells."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo

from rich.cells import cell_len, chop_cells
from rich.text import Text

from forge_cli.escape import escape_line

MOST_CHARACTERS = 2_000
"""Characters of a text of which a line is made; no terminal has room for more."""


@dataclass(frozen=True, slots=True)
class Layout:
    """For what a run or a list of runs is laid out."""

    width: int | None = None
    """Columns of the terminal; None cuts nothing."""
    zone: tzinfo | None = UTC
    """The zone of times; None for the user's own."""
    details: bool = False
    """Whether everything is shown, and nothing cut."""

    @property
    def most(self) -> int | None:
        """Columns beyond which a text is cut; None where nothing is."""
        return None if self.details else self.width


def cut(text: Text, width: int | None) -> Text:
    """Return a text that ends with an ellipsis where it would not fit."""
    if width is None or cell_len(text.plain) <= width:
        return text
    short = text.copy()
    short.truncate(max(1, width), overflow="ellipsis")
    return short


def make_line(text: str) -> str:
    """Return the first line of a text that has any, safe to print and not endless."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return escape_line(first[:MOST_CHARACTERS])


def wrap(text: str, width: int | None) -> list[str]:
    """Break a text into lines between words; a word that fits into none is broken, too."""
    if width is None:
        return [text]
    lines = [""]
    for word in _list_words(text, max(1, width)):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _list_words(text: str, width: int) -> Iterator[str]:
    for word in text.split():
        yield from chop_cells(word, width) if cell_len(word) > width else (word,)
