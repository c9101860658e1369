"""Which lines of a file a change touched, and which of the old ones it kept; pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from forge_core.edits.difference import count_common

LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
"""One line and its end, as ruff counts them: a form feed ends none."""

MAX_PAIRS = 1_000_000
"""Pairs of equal lines up to which two texts are compared line by line."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A text beside the one that stood before."""

    changed: tuple[range, ...]
    """Rows, counted from 1, that are new or differ; empty ranges where lines only went."""
    kept: Counter[str]
    """Lines of the old text that still stand."""

    def touches(self, row: int) -> bool:
        """Return whether the change wrote a row."""
        return any(row in rows for rows in self.changed)


def split_lines(text: str) -> list[str]:
    """Split a text into its lines, each with its end."""
    return LINE.findall(text)


def compare(old: str, new: str) -> Comparison:
    """Compare two texts line by line."""
    before, after = split_lines(old), split_lines(new)
    head = count_common(before, after)
    tail = count_common(before[head:][::-1], after[head:][::-1])
    one, other = before[head : len(before) - tail], after[head : len(after) - tail]
    kept = Counter(before[:head]) + Counter(before[len(before) - tail :])
    changed = []
    for tag, i1, i2, j1, j2 in _list_opcodes(one, other):
        if tag == "equal":
            kept.update(one[i1:i2])
        else:
            changed.append(range(head + j1 + 1, head + j2 + 1))
    return Comparison(tuple(changed), kept)


def _list_opcodes(
    one: Sequence[str], other: Sequence[str]
) -> Sequence[tuple[str, int, int, int, int]]:
    if not one and not other:
        return ()
    counts = Counter(other)
    if sum(counts[line] for line in one) > MAX_PAIRS:
        return (("replace", 0, len(one), 0, len(other)),)
    return SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
