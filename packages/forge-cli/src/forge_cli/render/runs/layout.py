"""How much room there is for a run's text, and lines that are cut to it, measured in cells."""

from dataclasses import dataclass
from datetime import UTC, tzinfo

from rich.cells import cell_len
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


def cut_line(text: Text, width: int | None) -> Text:
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
