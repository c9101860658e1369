"""Calls that hold a text, and the part of it around what was looked for, escaped; pure."""

from dataclasses import dataclass

from forge_obs import Interaction, Match
from rich.cells import cell_len, set_cell_size

from forge_cli.escape import escape_line

CUT = "…"
"""Stands where a line was cut."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A call that was asked for; in a search, one that holds the text."""

    call: Interaction
    matches: tuple[Match, ...] = ()
    """Where: the first in each column that has it."""
    others: int = 0
    """How many other calls of its run hold it, that are not shown."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a text, escaped."""

    before: str
    hit: str
    after: str


def cut_line(text: str, start: int, end: int, width: int, *, keep_indent: bool = False) -> Excerpt:
    """Cut out the line that a hit stands in, as far as it finds room; all on one line.

    Args:
        text: The whole text.
        start: Where the hit begins.
        end: Where it ends.
        width: Columns of a terminal.
        keep_indent: Whether blanks at the line's beginning are shown.
    """
    reach = 4 * width
    _, newline, before = text[max(0, start - reach) : start].rpartition("\n")
    after, next_newline, _ = text[end : end + reach].partition("\n")
    has_beginning = bool(newline) or start <= reach
    has_end = bool(next_newline) or end + reach >= len(text)
    hit = escape_line(text[start : min(end, start + reach)])
    if cell_len(hit) > width:
        return Excerpt("", set_cell_size(hit, width - 1) + CUT, "")
    before = escape_line(before if keep_indent else before.lstrip())
    after = escape_line(after.rstrip())
    room = width - cell_len(hit)
    # The hit stands in the first third; what one side leaves goes to the other.
    left = min(cell_len(before), max(room // 3, room - cell_len(after)))
    return Excerpt(
        _crop(before[::-1], left, is_whole=has_beginning)[::-1],
        hit,
        _crop(after, room - left, is_whole=has_end),
    )


def _crop(text: str, width: int, *, is_whole: bool) -> str:
    """Crop a text at its end, and say so."""
    size = cell_len(text)
    if width < 1 or not text:
        return ""
    if size <= width and is_whole:
        return text
    return set_cell_size(text, min(width - 1, size)) + CUT


def cut_lines(text: str, start: int, end: int, number: int, width: int) -> list[Excerpt]:
    """Cut out the line of a hit, and so many lines before and after it.

    Args:
        text: The whole text.
        start: Where the hit begins.
        end: Where it ends.
        number: How many lines before, and after.
        width: Columns that a line has at most.
    """
    first = text.rfind("\n", 0, start) + 1
    earlier = first
    for _ in range(number):
        earlier = text.rfind("\n", 0, max(0, earlier - 1)) + 1
    before = text[earlier:first].splitlines()
    _, _, rest = text[end:].partition("\n")
    after = rest.split("\n", number)[:number] if rest else []
    return [
        *(Excerpt(_crop_line(line, width), "", "") for line in before),
        cut_line(text, start, end, width, keep_indent=True),
        *(Excerpt(_crop_line(line, width), "", "") for line in after),
    ]


def _crop_line(line: str, width: int) -> str:
    """Escape a line, and crop it at its end."""
    return _crop(escape_line(line[: 4 * width]), width, is_whole=True)
