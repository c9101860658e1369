"""In which lines a search and its replacement differ, and where that is in the file; pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

MAX_PAIRS = 200_000
"""Pairs of equal lines of a search and a replacement up to which they are compared line by line."""

Rows = Sequence[int | None]
"""The file's line of each line of a search; None for a blank one that the file does not have."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Lines of a search that become others."""

    old: Sequence[str]
    new: Sequence[str]
    first: int
    """The file's row, counted from 0, of the first line that goes."""
    stop: int
    """The row after the last that goes; `first` where lines are inserted only."""
    reach: range
    """The rows within which the same change may be read, with the unchanged ones around it.

    Of several equal lines in a row any may be the one that goes.
    """


def find_differences(search: Sequence[str], replace: Sequence[str], rows: Rows) -> list[Difference]:
    """Find what changes, from the first row to the last."""
    file_rows = [row for row in rows if row is not None]
    differences = []
    for i1, i2, j1, j2 in _compare(search, replace):
        within = [row for row in rows[i1:i2] if row is not None]
        first = next((row for row in rows[i1:] if row is not None), file_rows[-1] + 1)
        stop = within[-1] + 1 if within else first
        old, new = search[i1:i2], replace[j1:j2]
        low, high = _stretch(search, {*old, *new, ""}, i1, i2)
        above = next((row for row in rows[:low][::-1] if row is not None), file_rows[0])
        below = next((row for row in rows[high:] if row is not None), file_rows[-1] + 1)
        differences.append(Difference(old, new, first, stop, range(above, below)))
    return differences


def _stretch(search: Sequence[str], touched: set[str], low: int, high: int) -> tuple[int, int]:
    while low > 0 and search[low - 1] in touched:
        low -= 1
    while high < len(search) and search[high] in touched:
        high += 1
    return low, high


def _compare(search: Sequence[str], replace: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Give the parts in which two lists differ, as `difflib` does.

    What they have in common at both ends is left out first: comparing the rest takes time for each
    pair of equal lines, and beyond a limit it counts as one part.
    """
    before = count_common(search, replace)
    after = count_common(search[before:][::-1], replace[before:][::-1])
    old, new = search[before : len(search) - after], replace[before : len(replace) - after]
    counts = Counter(new)
    if sum(counts[line] for line in old) > MAX_PAIRS:
        yield before, before + len(old), before, before + len(new)
        return
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield before + i1, before + i2, before + j1, before + j2


def count_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Count the lines with which both begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
