"""Where a call stands in its run: its unit of work, its attempt, and the calls around it; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forge_obs import Interaction

from forge_cli.views.calls.outcome import Outcome, judge_call
from forge_cli.views.outline import AttemptOutline, Outline, UnitOutline, build_outline
from forge_cli.views.run import RunView


@dataclass(frozen=True, slots=True)
class CallPlace:
    """Where a call stands in its run."""

    view: RunView
    call: Interaction
    unit: UnitOutline | None
    """None for a planner's call."""
    attempt: AttemptOutline | None
    siblings: tuple[tuple[Interaction, AttemptOutline | None], ...]
    """All calls of the unit with their attempts, itself among them, in their order."""
    number: int = 0
    """Of a planned step: which one it is, from 1; else 0."""

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        return judge_call(self.call, self.attempt)

    @property
    def position(self) -> int:
        """Its place among its siblings, from 0."""
        ids = [call.id for call, _ in self.siblings]
        return ids.index(self.call.id)

    @property
    def previous(self) -> Interaction | None:
        """The call before it; None for the first."""
        return self.siblings[self.position - 1][0] if self.position else None

    @property
    def next(self) -> Interaction | None:
        """The call after it; None for the last."""
        return dict(enumerate(call for call, _ in self.siblings)).get(self.position + 1)

    @property
    def commit(self) -> str | None:
        """The commit that holds what it changed, as far as anybody knows."""
        result = self.attempt.result if self.attempt is not None else None
        is_last = self.attempt is not None and self.attempt.calls[-1].id == self.call.id
        return self.call.commit_sha or (result.commit if result is not None and is_last else None)


def locate_call(call: Interaction, view: RunView, calls: Sequence[Interaction]) -> CallPlace | None:
    """Find a call in its run; None where the run does not have it.

    Args:
        call: The call.
        view: Its run.
        calls: All calls of that run, with or without their texts.
    """
    outline = build_outline(view.result, calls, running=view.status == "running")
    if any(other.id == call.id for other in outline.planner):
        return CallPlace(view, call, None, None, tuple((c, None) for c in outline.planner))
    for unit in list_units(outline):
        for attempt in unit.attempts:
            if any(other.id == call.id for other in attempt.calls):
                siblings = tuple((c, a) for a in unit.attempts for c in a.calls)
                return CallPlace(view, call, unit, attempt, siblings, _count(outline, call.step_id))
    return None


def list_units(outline: Outline) -> Iterator[UnitOutline]:
    """List units, each before its sub-tasks."""
    for unit in outline.units:
        yield unit
        yield from unit.parts


def _count(outline: Outline, step_id: str | None) -> int:
    names = [unit.name for unit in outline.units if unit.kind == "step"]
    return names.index(step_id) + 1 if step_id in names else 0
