"""Finding the one place of a search in a text, without ever guessing; pure.

Lines are compared *folded*: without the blanks at their ends, with typographic signs as plain ones,
without blank lines, and without comment lines of the file that the search leaves out. Whatever
folds alike is a candidate, and a search has a place only if there is exactly one candidate.

Why that is right: a slip of the kinds that folding removes leaves the true place among the
candidates. If there is one candidate, it is the true place. If there are more, nothing in the
search says which, so that it is refused, even where one of them is equal byte for byte: a model
that left out the indentation would have quoted that one by accident. A measure of similarity has no
such argument, and is used nowhere. See D69.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from forge_core.edits.lines import SourceText, fold, get_indentation
from forge_core.edits.refusal import EditRefused, build_ambiguous

Rung = Literal["exact", "trailing", "blank", "indent", "quotes", "comment", "every"]
"""What had to be overlooked to find a search, from nothing on; `every` is replaced literally."""

LADDER: tuple[Rung, ...] = ("exact", "trailing", "blank", "indent", "quotes", "comment", "every")
"""From the strictest to the most tolerant."""

MIN_LINES = 2
"""Lines of some substance that a search needs unless it is exact."""

SUBSTANCE = 3
"""Letters, digits or underscores that make a line one of substance."""

COMMENT = re.compile(
    r"""
    \#(?! ! | \s*(?:if|ifn?def|else|elif|endif|define|include|pragma|undef)\b )
    | //
    """,
    re.VERBOSE,
)
"""The beginning of a line that is a comment in the common languages.

A shebang and the preprocessor's lines execute, so that a search may not leave them out.
"""


@dataclass(frozen=True, slots=True)
class Location:
    """The one place of a search."""

    rows: tuple[int, ...]
    """The file's line of each line of the search that is not blank."""
    is_exact: bool

    @property
    def span(self) -> range:
        """The file's lines from the first that the search quotes to the last."""
        return range(self.rows[0], self.rows[-1] + 1)


@dataclass(frozen=True, slots=True)
class Alignment:
    """Which line of the file each line of a search is."""

    rows: tuple[int | None, ...]
    """None for a blank line of the search that the file does not have."""
    rung: Rung


def locate(source: SourceText, search: Sequence[str]) -> Location:
    """Find the one place of a search that is not blank.

    Raises:
        EditRefused: There is none or more than one, or it is found only by overlooking something
            and is too short for that.
    """
    candidates = find_candidates(source.keys, search)
    if not candidates:
        raise _build_absent(source, search)
    if len(candidates) > 1:
        raise build_ambiguous([rows[0] for rows in candidates])
    _refuse_movable(source.keys, candidates[0])
    location = Location(candidates[0], _is_exact(source, search, candidates[0]))
    if not location.is_exact and _count_substance(search) < MIN_LINES:
        reason = "search is too short to be found by anything but an exact match"
        raise EditRefused("weak", reason, location.rows[:1])
    return location


def find_candidates(keys: Sequence[str], search: Sequence[str]) -> list[tuple[int, ...]]:
    """List the places at which a search may stand: the file's line of each that is not blank."""
    quoted = [key for key in map(fold, search) if key]
    if not quoted:
        return []
    starts = (row for row, key in enumerate(keys) if key == quoted[0])
    walks = (_walk(keys, start, quoted) for start in starts)
    return [rows for rows in walks if rows is not None]


def align(source: SourceText, search: Sequence[str], location: Location) -> Alignment:
    """Say which line of the file each line of a search is, and what was overlooked.

    Args:
        source: The text.
        search: Begins and ends with no more blank lines than stand there in the file.
        location: Where it stands.
    """
    if location.is_exact:
        return Alignment(tuple(range(location.rows[0], location.rows[0] + len(search))), "exact")
    solid = [index for index, line in enumerate(search) if line.strip()]
    rows: list[int | None] = [None] * len(search)
    slips: set[Rung] = {"trailing"}
    pairs = list(zip(solid, location.rows, strict=True))
    for (index, row), (next_index, next_row) in pairwise(pairs):
        blank = [n for n in range(row + 1, next_row) if not source.lines[n].strip()]
        room = next_index - index - 1
        rows[index + 1 : index + 1 + min(room, len(blank))] = blank[:room]
        if len(blank) != room:
            slips.add("blank")
        if len(blank) < next_row - row - 1:
            slips.add("comment")
    above, below = solid[0], len(search) - solid[-1] - 1
    rows[:above] = range(location.rows[0] - above, location.rows[0])
    rows[len(search) - below :] = range(location.rows[-1] + 1, location.rows[-1] + 1 + below)
    for index, row in pairs:
        rows[index] = row
        slips |= _find_slips(search[index], source.lines[row])
    return Alignment(tuple(rows), max(slips, key=LADDER.index))


def _walk(keys: Sequence[str], start: int, quoted: Sequence[str]) -> tuple[int, ...] | None:
    """Follow a search from its first line on, past what it may leave out.

    Taking the first line that fits finds a way wherever there is one: if a later one fits too, all
    between may be left out, that first one included, so that the walk gets past the later one.
    """
    rows, row = [], start
    for key in quoted:
        while row < len(keys) and keys[row] != key and _may_be_left_out(keys[row]):
            row += 1
        if row == len(keys) or keys[row] != key:
            return None
        rows.append(row)
        row += 1
    return tuple(rows)


def _refuse_movable(keys: Sequence[str], rows: Sequence[int]) -> None:
    """Check that no line of a search could as well be a later one, the first being left out.

    Of two ways to read a search, take the last line in which they differ: it is a comment, and the
    same one stands again before the next line of the search. So it is enough to look there.

    Raises:
        EditRefused: One could, so that nothing says where what stands beside it belongs.
    """
    stop = rows[-1] + 1
    while stop < len(keys) and _may_be_left_out(keys[stop]):
        stop += 1
    if not _may_be_left_out(keys[rows[-1]]):
        stop = rows[-1] + 1
    for row, limit in zip(rows, (*rows[1:], stop), strict=True):
        again = next((other for other in range(row + 1, limit) if keys[other] == keys[row]), None)
        if again is not None:
            raise build_ambiguous([row, again])


def _may_be_left_out(key: str) -> bool:
    return not key or COMMENT.match(key) is not None


def _is_exact(source: SourceText, search: Sequence[str], rows: Sequence[int]) -> bool:
    before = next(index for index, line in enumerate(search) if line.strip())
    start = rows[0] - before
    return start >= 0 and source.lines[start : start + len(search)] == tuple(search)


def _find_slips(quoted: str, line: str) -> set[Rung]:
    slips: set[Rung] = set()
    if get_indentation(quoted) != get_indentation(line):
        slips.add("indent")
    if quoted.strip() != line.strip():
        slips.add("quotes")
    return slips


def _count_substance(search: Sequence[str]) -> int:
    return sum(len(re.findall(r"\w", line)) >= SUBSTANCE for line in search)


def _build_absent(source: SourceText, search: Sequence[str]) -> EditRefused:
    text = "\n".join(search).strip()
    row = next((row for row, line in enumerate(source.lines) if text in line), None)
    if row is None:
        return EditRefused("absent", "search does not stand in the file")
    return EditRefused("partial", "search is only a part of a line, not whole lines", [row])
