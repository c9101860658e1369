"""Parts of a file that finds no room as a whole: what a task's words lead to; pure.

Every part stands under a heading that names its lines; there are no numbers inside, which models
would quote as if they belonged to the file. Lines end at newlines alone, as for edits.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from forge_core.context.sections import fence

BEFORE, AFTER = 20, 39
"""Lines that are shown with one that counts."""

HEAD = 30
"""Lines at the beginning that are always shown, and more if imports follow."""

MAX_HEAD = 120

HEADING_LENGTH = 60
"""Characters of a part's heading and fence, generously."""

OUTLINE_SHARE = 3
"""The outline takes at most this part of an excerpt."""

MAX_SHARE = 0.1
"""Part of a file's lines up to which a word in them leads anywhere."""

DECLARED = 4.0
"""How much more a word counts where something of that name is declared."""

WORD = re.compile(r"[^\W\d]\w{2,}")

DECLARATION = re.compile(r"\s*(?:async\s+)?(?:def|class|func|function|fn|struct|interface)\s+(\w+)")

IMPORT = re.compile(r"(?:import|from|use|#include|require|using)\b")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some lines of a file, rendered."""

    text: str
    ranges: tuple[tuple[int, int], ...]
    """First and last line of each part, counted from 1."""
    is_whole: bool = False


def build_excerpt(text: str, outline: str, words: str, limit: int) -> Excerpt | None:
    """Build the excerpt of a file that a task needs most; None where nothing of it fits.

    Args:
        text: The file.
        outline: Its declarations; empty where there are none.
        words: What the task says.
        limit: Characters that the excerpt may take.
    """
    lines = _split(text)
    shown_outline = _cut_outline(outline, limit // OUTLINE_SHARE)
    rows = list(_rank_rows(lines, words))
    parts = _choose(lines, rows, limit - len(shown_outline), head=_measure_head(lines))
    if not parts:
        return None
    body = _render_parts(lines, parts)
    return Excerpt(shown_outline + body.text, body.ranges)


def show_rows(text: str, rows: Iterable[int], limit: int) -> Excerpt | None:
    """Show a file whole if it fits, else what is around some rows; None where nothing fits."""
    lines = _split(text)
    whole = fence(text)
    if len(whole) <= limit:
        return Excerpt(whole, ((1, len(lines)),), is_whole=True)
    parts = _choose(lines, list(rows), limit, head=_measure_head(lines))
    return _render_parts(lines, parts) if parts else None


def _split(text: str) -> list[str]:
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def _cut_outline(outline: str, limit: int) -> str:
    if not outline:
        return ""
    kept = outline if len(outline) <= limit else outline[:limit].rpartition("\n")[0]
    more = "" if kept == outline else " (its beginning)"
    return f"Declarations{more}, without their bodies:\n\n{fence(kept)}\n\n" if kept else ""


def _measure_head(lines: Sequence[str]) -> int:
    """Return how many lines at the beginning hold the imports."""
    imports = (row for row, line in enumerate(lines[:MAX_HEAD]) if IMPORT.match(line))
    return min(len(lines), max(HEAD, max(imports, default=0) + 1))


def _rank_rows(lines: Sequence[str], words: str) -> Iterator[int]:
    """List the rows that words lead to, the best first: rare words count for more."""
    said = {word.casefold() for word in WORD.findall(words)}
    rows_of: dict[str, list[int]] = {}
    for row, line in enumerate(lines):
        for word in {word.casefold() for word in WORD.findall(line)} & said:
            rows_of.setdefault(word, []).append(row)
    scores: Counter[int] = Counter()
    for word, rows in rows_of.items():
        if len(rows) > max(3, MAX_SHARE * len(lines)):
            continue
        for row in rows:
            declared = DECLARATION.match(lines[row])
            is_named = declared is not None and declared[1].casefold() == word
            scores[row] += int(1000 / len(rows) * (DECLARED if is_named else 1.0))
    # Equals in the order of the file, so that the same task gets the same prompt.
    yield from sorted(scores, key=lambda row: (-scores[row], row))


def _choose(lines: Sequence[str], rows: Sequence[int], limit: int, head: int) -> list[range]:
    """Choose parts around rows, the first rows first, as far as they fit."""
    kept: set[int] = set()
    left = limit
    around = [range(max(row - BEFORE, 0), min(row + AFTER + 1, len(lines))) for row in rows]
    for part in [range(head), *around]:
        fresh = [row for row in part if row not in kept]
        cost = sum(len(lines[row]) + 1 for row in fresh) + (HEADING_LENGTH if fresh else 0)
        if cost <= left:
            kept.update(fresh)
            left -= cost
    return _join(sorted(kept))


def _join(rows: Sequence[int]) -> list[range]:
    parts: list[range] = []
    for row in rows:
        if parts and row == parts[-1].stop:
            parts[-1] = range(parts[-1].start, row + 1)
        else:
            parts.append(range(row, row + 1))
    return parts


def _render_parts(lines: Sequence[str], parts: Sequence[range]) -> Excerpt:
    total = len(lines)
    texts = [
        f"### lines {part.start + 1}–{part.stop} of {total}\n\n"  # noqa: RUF001 - a range
        + fence("\n".join(lines[part.start : part.stop]))
        for part in parts
    ]
    ranges = tuple((part.start + 1, part.stop) for part in parts)
    return Excerpt("\n\n".join(texts), ranges)
