"""Telling a model why its edits were not applied, so that the next answer can be right; pure.

Each text names the edit and the reason, quotes the file's own lines at the place that was probably
meant, and says what to do. What was quoted comes from the file, never from a guess at the edit.
"""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches

from forge_core.edits.lines import SourceText, fold, split_quoted, split_text
from forge_core.edits.locate import find_candidates
from forge_core.edits.refusal import Refusal, RefusalCode
from forge_core.models.call.llm import FileEdit

SHOWN_LINES = 12
"""Lines of the file that are quoted for one place."""

SHOWN_PLACES = 3
"""Places of an ambiguous search that are quoted."""

AROUND = 3
"""Lines before and after an ambiguous place that are quoted with it."""

SHOWN_LENGTH = 200
"""Characters of one line in a comparison."""

TELLING_LENGTH = 20
"""Characters of a replacement from which finding it in the file says something."""

SIMILARITY = 0.6
"""How much a line has in common with one that is quoted instead; nothing is applied by it."""

ADVICE: dict[RefusalCode, str] = {
    "empty": "To write a new file, or a small one anew, use files",
    "ambiguous": "Take whole lines before or after it into search and replace until it stands once "
    "(lines that differ in indentation alone count as the same), or set every if a word is to be "
    "replaced wherever it stands",
    "weak": "Copy the lines exactly as they stand, with some before and after them",
    "indentation": "Copy the lines with the indentation that they have in the file",
    "signs": "Copy these lines exactly as they stand",
    "comment": "Quote all lines from the first to the last, comments included",
    "nothing": "Copy the lines exactly as they stand, or leave the edit out",
    "overlap": "Make one edit of them",
}
"""What to do about a refusal."""

HINTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"^\s*(?:#|//|/\*)?\s*(?:\.\.\.|…)", re.MULTILINE),
        "Search holds a line of dots: quote every line, or make two edits",
    ),
    (
        re.compile(r"\A\s*\d+\s?[\t|:] ?"),
        "Search begins with a line number, which is no part of the file",
    ),
    (
        re.compile(r"\A[^\n]*\\n[^\n]*\Z"),
        "Search is one line that holds the two characters \\n where line breaks belong",
    ),
    (re.compile(r"&(?:lt|gt|amp|quot|#\d+);"), "Search holds HTML entities: write the characters"),
)
"""Habits that a search shows, each with what to do instead."""


def explain_refusals(
    path: str, text: str, edits: Sequence[tuple[int, FileEdit]], refusals: Sequence[Refusal]
) -> list[str]:
    """Say of each refused edit of a file what is wrong and what to do.

    Args:
        path: The file's.
        text: The file as it was shown.
        edits: The edits of the file, each with its place in the answer's list.
        refusals: What is wrong with some of them.
    """
    source = split_text(text)
    return [_explain(path, source, edits, refusal) for refusal in refusals]


def quote_lines(lines: Sequence[str], rows: range) -> str:
    """Quote lines of a file in a code block, and say how many are left out."""
    rows = range(max(rows.start, 0), min(rows.stop, len(lines)))
    shown = lines[rows.start : min(rows.stop, rows.start + SHOWN_LINES)]
    runs = re.findall(r"`{3,}", "\n".join(shown))
    ticks = "`" * (max(map(len, runs), default=2) + 1)
    more = len(rows) - len(shown)
    left_out = f"\n(and {more} more)" if more else ""
    return "\n".join((ticks, *shown, ticks)) + left_out


def quote_text(line: str) -> str:
    """Quote one line within a sentence, shortened."""
    return repr(line if len(line) <= SHOWN_LENGTH else line[:SHOWN_LENGTH] + "…")


def _explain(
    path: str, source: SourceText, edits: Sequence[tuple[int, FileEdit]], refusal: Refusal
) -> str:
    number, edit = edits[refusal.edit]
    reason = refusal.reason
    if refusal.other >= 0:
        reason = reason.replace("another edit", f"edits[{edits[refusal.other][0]}]")
    parts = [f"edits[{number}] ({path}): {reason}."]
    if not source.lines:
        parts.append("The file is empty: answer with it as a whole, in files.")
    elif refusal.code == "absent":
        parts += _explain_absent(source, edit)
    elif refusal.code != "empty":
        parts += _quote_places(source, edit, refusal)
    if refusal.code in ADVICE:
        parts.append(f"{ADVICE[refusal.code]}.")
    return "\n".join(parts)


def _explain_absent(source: SourceText, edit: FileEdit) -> list[str]:
    search, replace = split_quoted(edit.search), split_quoted(edit.replace)
    parts = []
    places = find_candidates(source.keys, replace)
    if len(places) == 1 and sum(map(len, replace)) > TELLING_LENGTH:
        row = places[0][0] + 1
        parts.append(
            f"What replace says stands at line {row} already: leave the edit out if that is all."
        )
    parts += [f"{hint}." for habit, hint in HINTS if habit.search(edit.search)]
    rows = find_nearest(source, search)
    if rows is not None:
        is_one = len(rows) == 1
        where = f"is line {rows.stop}" if is_one else f"are lines {rows.start + 1} to {rows.stop}"
        parts.append(f"The nearest {where}:")
        parts.append(quote_lines(source.lines, rows))
        parts += _compare(search, source.lines[rows.start :])
    return parts


def _quote_places(source: SourceText, edit: FileEdit, refusal: Refusal) -> list[str]:
    height = len(split_quoted(edit.search))
    parts = []
    for row in refusal.rows[: SHOWN_PLACES if refusal.code == "ambiguous" else 1]:
        parts.append(f"Line {row + 1}, with what is around it:")
        parts.append(quote_lines(source.lines, range(row - AROUND, row + height + AROUND)))
    return parts


def find_nearest(source: SourceText, search: Sequence[str]) -> range | None:
    """Find the rows that have most in common with a search, to be quoted; None without any.

    Each line of the search that stands in the file votes for where the search would begin, a rare
    line for more than a common one.
    """
    rows_of: dict[str, list[int]] = {}
    for row, key in enumerate(source.keys):
        rows_of.setdefault(key, []).append(row)
    votes: Counter[int] = Counter()
    for index, key in enumerate(map(fold, search)):
        rows = rows_of.get(key, []) if len(key) > 2 else []  # Brackets say nothing.
        for row in rows:
            votes[row - index] += 1000 // len(rows)
    if not votes:
        longest = max(search, key=len)
        close = get_close_matches(fold(longest), rows_of, 1, SIMILARITY) if longest.strip() else []
        votes.update({rows_of[key][0] - search.index(longest): 1 for key in close})
    if not votes:
        return None
    start = max(votes.most_common(1)[0][0], 0)
    return range(start, min(start + len(search), len(source.lines)))


def _compare(search: Sequence[str], lines: Sequence[str]) -> list[str]:
    """Say at which line a search begins to differ from the file."""
    pairs = zip(search, lines, strict=False)
    pair = next(((said, line) for said, line in pairs if fold(said) != fold(line)), None)
    if pair is None:
        return []
    said, line = map(quote_text, pair)
    return [f"The first line that differs: search says {said}, the file says {line}."]
