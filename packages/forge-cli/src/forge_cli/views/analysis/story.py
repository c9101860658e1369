"""A run as a story: what each attempt was shown, wrote and was told; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forge_obs import STARTED, Interaction

from forge_cli.views.calls.sections import PromptSection, read_sections
from forge_cli.views.outline import AttemptOutline, Outline, UnitOutline, find_asked
from forge_cli.views.result import ChangeView

FEEDBACK_KINDS = frozenset({"failure", "finding", "refused_file", "refused_edits", "changed_file"})
"""Kinds of sections that tell an attempt of the one before."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One attempt, or the planner."""

    unit: UnitOutline | None
    """None for the planner."""
    attempt: AttemptOutline | None
    files: int
    """Files that its last prompt showed, in full or in part."""
    tokens: int
    """Estimated tokens of that prompt."""
    feedback: tuple[str, ...]
    """Titles of the sections that tell of the attempt before."""
    requests: int
    context_requests: tuple[str, ...]
    """What it asked for before it answered."""
    changes: tuple[ChangeView, ...]
    reason: str
    """Why it was not accepted; empty where it was."""
    is_unanswered: bool
    """Whether its last request has no answer on record, and nobody knows what came of it."""
    commit: str | None


def build_story(outline: Outline) -> list[Chapter]:
    """Tell a run in the order of its work; the calls need their texts."""
    chapters = []
    if outline.planner:
        chapters.append(_build_chapter(None, None, outline.planner))
    for unit in outline.units:
        chapters += _list_chapters(unit)
    return chapters


def _list_chapters(unit: UnitOutline) -> Iterator[Chapter]:
    for part in unit.parts:
        yield from _list_chapters(part)
    for attempt in unit.attempts:
        yield _build_chapter(unit, attempt, attempt.calls)


def _build_chapter(
    unit: UnitOutline | None, attempt: AttemptOutline | None, calls: Sequence[Interaction]
) -> Chapter:
    sections: tuple[PromptSection, ...] = read_sections(calls[-1]) if calls else ()
    result = attempt.result if attempt is not None else None
    return Chapter(
        unit=unit,
        attempt=attempt,
        files=len({section.path for section in sections if section.path}),
        tokens=sum(section.tokens for section in sections),
        feedback=tuple(section.title for section in sections if section.kind in FEEDBACK_KINDS),
        requests=len(calls),
        context_requests=tuple(filter(None, map(find_asked, calls))),
        changes=result.changes if result is not None else (),
        reason=_find_reason(attempt, calls),
        is_unanswered=result is None and bool(calls) and calls[-1].status == STARTED,
        commit=result.commit if result is not None else None,
    )


def _find_reason(attempt: AttemptOutline | None, calls: Sequence[Interaction]) -> str:
    if attempt is not None and attempt.result is not None:
        return attempt.result.reason
    last = calls[-1] if calls else None
    if last is None or last.status == "ok":
        return ""
    return last.outcome_reason or last.error_type or "no answer is on record"
