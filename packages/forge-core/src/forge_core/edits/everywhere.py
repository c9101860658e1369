"""Replacing a text wherever it stands, literally and as whole words; pure."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from forge_core.edits.lines import SourceText
from forge_core.edits.refusal import build_ambiguous


def find_replaced_rows(
    source: SourceText, search: str, replace: str
) -> list[tuple[range, tuple[str, ...]]]:
    """Find the rows in which a text stands, and what becomes of them.

    A word does not stand within a longer one, so that replacing `name` leaves `names` alone. The
    rows of two places that share a line are given once.

    Raises:
        EditRefused: Places overlap, so that what comes of them depends on where one begins.
    """
    search, replace = _normalize(search, replace)
    text = "\n".join((*source.lines, ""))
    starts = [0, *accumulate(len(line) + 1 for line in source.lines)]
    pattern = re.compile(_build_pattern(search))
    places = [match.start() for match in pattern.finditer(text)]
    rows = [bisect_right(starts, place) - 1 for place in places]
    if len(places) != len(re.findall(f"(?={pattern.pattern})", text)):
        raise build_ambiguous(rows)
    replaced = []
    for group in _group(rows, search.rstrip("\n").count("\n") + 1):
        part = "\n".join((*source.lines[group.start : group.stop], ""))
        # A function, so that nothing in the replacement is read as a reference to a group.
        new = pattern.sub(lambda _: replace, part)
        replaced.append((group, tuple(new.split("\n")[:-1])))
    return replaced


def _normalize(search: str, replace: str) -> tuple[str, str]:
    """Leave out a newline that ends both, as the end of a quoted line rather than of a word."""
    search, replace = (part.replace("\r\n", "\n") for part in (search, replace))
    if search.endswith("\n") and replace.endswith("\n"):
        return search.removesuffix("\n"), replace.removesuffix("\n")
    return search, replace


def _build_pattern(search: str) -> str:
    before = r"(?<!\w)" if re.match(r"\w", search) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", search) else ""
    return before + re.escape(search) + after


def _group(rows: Sequence[int], height: int) -> list[range]:
    """Join the rows of places of so many lines that share one."""
    groups: list[range] = []
    for row in rows:
        if groups and row < groups[-1].stop:
            groups[-1] = range(groups[-1].start, row + height)
        else:
            groups.append(range(row, row + height))
    return groups
