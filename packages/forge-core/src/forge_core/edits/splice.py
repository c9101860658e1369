"""What one edit changes: only the lines in which search and replace differ; pure.

Lines of context are found and left alone, so that a slip in them never reaches the file.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from forge_core.edits.difference import Difference, find_differences
from forge_core.edits.everywhere import find_replaced_rows
from forge_core.edits.lines import SourceText, get_indentation, has_words, split_quoted
from forge_core.edits.locate import Alignment, Location, Rung, align, locate
from forge_core.edits.refusal import EditRefused
from forge_core.edits.respell import (
    AS_QUOTED,
    Lead,
    Spelling,
    Way,
    find_odd_signs,
    find_unit,
    find_ways,
    refuse_doubtful_signs,
    refuse_lost_signs,
    respell,
)
from forge_core.models.call.llm import FileEdit


class Splice(NamedTuple):
    """Lines of the file that become others; a tuple, since there may be one for each line."""

    first: int
    """Row, counted from 0, of the first that goes."""
    stop: int
    """Row after the last that goes; `first` where lines are inserted only."""
    lines: tuple[str, ...]
    rung: Rung
    span: range
    """The rows that the search quotes."""
    edit: int = -1
    """Place of the edit among those of its file, from 0."""


NewLines = tuple[int, int, tuple[str, ...], Rung]
"""The first row that goes, the row after the last, what stands there then, and the rung."""


def plan_edit(source: SourceText, edit: FileEdit, number: int = -1) -> list[Splice]:
    """Find the one place of an edit, or all places of one of `every`, and what changes there.

    Args:
        source: The file.
        edit: What is to be changed.
        number: Place of the edit among those of its file, from 0.

    Raises:
        EditRefused: That is not sure.
    """
    search, replace = split_quoted(edit.search), split_quoted(edit.replace)
    if not has_words(search):
        raise EditRefused("empty", "search is empty: quote the lines that are to be replaced")
    if search == replace:
        return []
    if edit.every:
        return _plan_every(source, edit, number)
    location = locate(source, search)
    if location.is_exact:
        changes = _plan_exact(search, replace, location)
    else:
        changes = _plan_tolerant(source, search, replace, location)
    return [Splice(*change, location.span, number) for change in changes]


def _plan_every(source: SourceText, edit: FileEdit, number: int) -> list[Splice]:
    replaced = find_replaced_rows(source, edit.search, edit.replace)
    if not replaced:
        reason = "search, which is to be replaced everywhere, does not stand in the file as it is"
        raise EditRefused("absent", reason)
    return [Splice(rows.start, rows.stop, lines, "every", rows, number) for rows, lines in replaced]


def _plan_exact(search: list[str], replace: list[str], location: Location) -> Iterator[NewLines]:
    start = location.rows[0] - count_blank(search)
    rows = range(start, start + len(search))
    for change in find_differences(search, replace, rows):
        yield change.first, change.stop, tuple(change.new), "exact"


def _plan_tolerant(
    source: SourceText, search: list[str], replace: list[str], location: Location
) -> Iterator[NewLines]:
    search, replace = _trim(
        source, [s.rstrip() for s in search], [r.rstrip() for r in replace], location
    )
    alignment = align(source, search, location)
    leads = _pair_indentation(source, search, alignment)
    ways = _find_ways(source, leads, location)
    if ways is None:
        search, replace = _indent_first(search, replace, *leads[0])
        ways = AS_QUOTED
    quoted = [source.lines[row] for row in location.span]
    signs = frozenset("".join(map(get_indentation, source.lines)))
    spelling = Spelling(ways, signs, find_odd_signs(search, quoted))
    changes = find_differences(search, replace, alignment.rows)
    if not changes:
        reason = "search and replace differ in blanks alone, and search is not exact"
        raise EditRefused("nothing", reason, location.rows[:1])
    for change in changes:
        _refuse_hidden(source, location, change)
        refuse_doubtful_signs(change, spelling.odd, quoted)
        if change.new:
            refuse_lost_signs(change, search, source.lines, alignment.rows)
    for change in changes:
        lines = respell(change.new, spelling)
        yield change.first, change.stop, lines, alignment.rung


def _pair_indentation(
    source: SourceText, search: Sequence[str], alignment: Alignment
) -> list[Lead]:
    return [
        (get_indentation(line), get_indentation(source.lines[row]))
        for line, row in zip(search, alignment.rows, strict=True)
        if line and row is not None
    ]


def _find_ways(source: SourceText, leads: list[Lead], location: Location) -> Sequence[Way] | None:
    """Find how the indentation is to be changed; None if the first line's alone is missing.

    Models often begin a quotation behind the indentation of its first line.
    """
    if all(ours == theirs for ours, theirs in leads):
        return AS_QUOTED
    ways = find_ways(leads, find_unit(source.lines))
    if ways:
        return ways
    (ours, theirs), *others = leads
    if theirs.endswith(ours) and all(one == other for one, other in others):
        return None
    reason = "the indentation differs from the file's by no single shift"
    raise EditRefused("indentation", reason, location.rows[:1])


def _indent_first(
    search: list[str], replace: list[str], ours: str, theirs: str
) -> tuple[list[str], list[str]]:
    """Give the first lines the indentation that the search's own is without."""

    def indent(lines: list[str]) -> list[str]:
        """Return lines with the first one indented as in the file."""
        if not lines or not lines[0] or get_indentation(lines[0]) != ours:
            return lines
        return [theirs + lines[0][len(ours) :], *lines[1:]]

    return indent(search), indent(replace)


def _refuse_hidden(source: SourceText, location: Location, change: Difference) -> None:
    """Check that no comment that the search leaves out stands among or beside what changes.

    Beside an insertion nothing says whether it belongs before or after the comment.
    """
    hidden = set(change.reach).difference(location.rows)
    if any(source.lines[row].strip() for row in hidden):
        reason = "a comment that search leaves out stands among the lines that change"
        raise EditRefused("comment", reason, location.rows[:1])


def _trim(
    source: SourceText, search: list[str], replace: list[str], location: Location
) -> tuple[list[str], list[str]]:
    """Leave out the blank lines at the ends of a search that the file does not have there.

    As many are left out at those of its replacement, so that none of them is written.
    """
    first, last = location.rows[0], location.rows[-1]
    above = count_blank(source.lines[:first][::-1])
    below = count_blank(source.lines[last + 1 :])
    for end, room in ((0, above), (-1, below)):
        quoted = count_blank(search if end == 0 else search[::-1])
        for _ in range(quoted - room):
            search.pop(end)
            if replace and not replace[end]:
                replace.pop(end)
    return search, replace


def count_blank(lines: Sequence[str]) -> int:
    """Count the blank lines that lines begin with."""
    return next((index for index, line in enumerate(lines) if line.strip()), len(lines))
