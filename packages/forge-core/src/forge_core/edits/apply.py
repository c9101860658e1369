"""Applying the edits of one file: all of them, each at its one place, or none; pure.

Every edit is located in the original text, so that their order does not matter and nothing is
sought in what another edit wrote.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from forge_core.edits.lines import SourceText, split_text
from forge_core.edits.locate import LADDER, Rung
from forge_core.edits.refusal import EditRefused, EditsRefused, Refusal
from forge_core.edits.splice import Splice, plan_edit
from forge_core.models.call.llm import FileEdit


@dataclass(frozen=True, slots=True)
class EditedText:
    """A text after its edits, and what they took."""

    text: str
    lines_added: int = 0
    lines_removed: int = 0
    rungs: dict[Rung, int] = field(default_factory=dict)
    """How many edits were found by overlooking what."""


def apply_edits(
    text: str, edits: Sequence[FileEdit], shown: Sequence[range] | None = None
) -> EditedText:
    """Apply edits to a text; lines that none of them changes keep their bytes.

    Args:
        text: The original, as it was shown.
        edits: In any order; what is said twice is meant once.
        shown: The rows that were shown, counted from 0; None for all of them.

    Raises:
        EditsRefused: Some do not fit.
    """
    source = split_text(text)
    splices, refusals = _plan_all(source, edits, shown)
    splices.sort(key=lambda splice: (splice.first, splice.stop, splice.span.start))
    refusals += _find_overlaps(splices)
    if refusals:
        raise EditsRefused(refusals)
    return EditedText(
        text=_splice_all(source, splices),
        lines_added=sum(len(splice.lines) for splice in splices),
        lines_removed=sum(splice.stop - splice.first for splice in splices),
        rungs=_count_rungs(splices),
    )


def _plan_all(
    source: SourceText, edits: Sequence[FileEdit], shown: Sequence[range] | None
) -> tuple[list[Splice], list[Refusal]]:
    splices: list[Splice] = []
    refusals: list[Refusal] = []
    for edit in dict.fromkeys(edits):
        number = edits.index(edit)
        try:
            planned = plan_edit(source, edit, number)
            _refuse_unseen(planned, shown)
        except EditRefused as refused:
            refusals.append(refused.at(number))
        else:
            splices += planned
    return splices, refusals


def _refuse_unseen(splices: Sequence[Splice], shown: Sequence[range] | None) -> None:
    if shown is None:
        return
    for splice in splices:
        touched = range(min(splice.first, splice.span.start), max(splice.stop, splice.span.stop))
        unseen = [row for row in touched if not any(row in rows for rows in shown)]
        if unseen:
            reason = "it changes lines that you were not shown"
            raise EditRefused("unseen", reason, unseen)


def _find_overlaps(splices: Sequence[Splice]) -> list[Refusal]:
    return [
        Refusal(
            "overlap",
            "it changes lines that another edit changes",
            (two.first,),
            two.edit,
            one.edit,
        )
        for one, two in pairwise(splices)
        if two.first < one.stop or _insert_alike(one, two)
    ]


def _insert_alike(one: Splice, two: Splice) -> bool:
    """Return whether nothing says which of two insertions comes first.

    Two searches that begin at different lines say it: what follows the upper one comes first.
    """
    inserts = one.first == one.stop == two.first == two.stop
    return inserts and one.span.start == two.span.start


def _splice_all(source: SourceText, splices: Sequence[Splice]) -> str:
    lines, ends = list(source.lines), list(source.ends)
    # From the last on, so that the rows of those before stay what they are.
    for splice in reversed(splices):
        lines[splice.first : splice.stop] = splice.lines
        # As many lines as before end each as the one in whose place it stands.
        if len(splice.lines) != splice.stop - splice.first:
            end = _find_end(source, splice.first)
            ends[splice.first : splice.stop] = [end] * len(splice.lines)
    ended = map("".join, zip(lines, _end_as_before(source, ends), strict=True))
    return source.mark + "".join(ended)


def _find_end(source: SourceText, row: int) -> str:
    """Return how lines written at a row end: as the one there, else as the one before."""
    near = (*source.ends[row : row + 1], *source.ends[max(row - 1, 0) : row])
    return next(filter(None, near), "") or source.usual_end


def _end_as_before(source: SourceText, ends: list[str]) -> list[str]:
    """Let the last line end as the last one did, and every other one somehow."""
    if not ends or not source.ends:
        return ends
    last = source.ends[-1] and (ends[-1] or source.usual_end)
    return [*(end or source.usual_end for end in ends[:-1]), last]


def _count_rungs(splices: Sequence[Splice]) -> dict[Rung, int]:
    by_edit = {splice.edit: splice.rung for splice in splices}
    counts = Counter(by_edit.values())
    return {rung: counts[rung] for rung in LADDER if counts[rung]}
