"""Replacing a text wherever it stands, literally and as whole words; pure."""

import re
from collections.abc import Iterator, Sequence

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
    pattern = re.compile(_build_pattern(search))
    if _may_overlap(search):
        _refuse_overlaps(pattern, text)
    # A function, so that nothing in the replacement is read as a reference to a group.
    if "\n" not in search + replace:
        lines = pattern.sub(lambda _: replace, text).split("\n")
        pairs = enumerate(zip(source.lines, lines, strict=False))
        return [(range(row, row + 1), (new,)) for row, (old, new) in pairs if old != new]
    replaced = []
    rows = list(_find_rows(pattern, text))
    for group in _group(rows, search.rstrip("\n").count("\n") + 1):
        part = "\n".join((*source.lines[group.start : group.stop], ""))
        new = pattern.sub(lambda _: replace, part)
        replaced.append((group, tuple(new.split("\n")[:-1])))
    return replaced


def _refuse_overlaps(pattern: re.Pattern[str], text: str) -> None:
    rows = list(_find_rows(pattern, text))
    if len(rows) != len(re.findall(f"(?={pattern.pattern})", text)):
        raise build_ambiguous(rows)


def _find_rows(pattern: re.Pattern[str], text: str) -> Iterator[int]:
    """Find the row in which each place begins."""
    row = last = 0
    for match in pattern.finditer(text):
        row += text.count("\n", last, match.start())
        last = match.start()
        yield row


def _may_overlap(search: str) -> bool:
    """Return whether a text may begin within itself: whether it ends as it begins."""
    return any(search.endswith(search[:length]) for length in range(1, len(search)))


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
