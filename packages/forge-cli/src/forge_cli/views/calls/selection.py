"""Which calls of a run are asked for, and the run narrowed to them; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from forge_obs import STARTED, Interaction

from forge_cli.views.calls.outcome import judge_call
from forge_cli.views.outline import AttemptOutline, Outline, UnitOutline


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls of a run are asked for; None asks for any."""

    step: str | None = None
    sub_task: str | None = None
    attempt: int | None = None
    role: str | None = None
    failed: bool = False
    """Only those that failed, were refused, or whose outcome is unknown."""

    @property
    def narrows(self) -> bool:
        """Whether any call may be left out."""
        return self != ALL_CALLS

    def accepts(self, call: Interaction) -> bool:
        """Return whether a call is asked for, as far as it tells itself."""
        return self._fits(call) and (not self.failed or judge_call(call).is_failure)

    def narrow(self, outline: Outline) -> Outline:
        """Narrow a run to what is asked for; a unit of which nothing is left goes, too."""
        planner = tuple(filter(self.accepts, outline.planner))
        units = tuple(filter(None, map(self._narrow_unit, outline.units)))
        left = {id(call) for unit in units for call in unit.calls} | set(map(id, planner))
        calls = tuple(call for call in outline.calls if id(call) in left)
        return Outline(planner, units, outline.planned, calls)

    def describe(self) -> str:
        """Say what is asked for, e.g. ``step b, failed``."""
        parts = [
            f"step {self.step}" if self.step else "",
            f"sub-task {self.sub_task}" if self.sub_task else "",
            f"attempt {self.attempt}" if self.attempt else "",
            f"role {self.role}" if self.role else "",
            "failed" if self.failed else "",
        ]
        return ", ".join(filter(None, parts))

    def _fits(self, call: Interaction) -> bool:
        return (
            self.step in {None, call.step_id}
            and self.sub_task in {None, call.sub_task_id}
            and self.attempt in {None, call.attempt}
            and self.role in {None, call.role}
        )

    def _narrow_unit(self, unit: UnitOutline) -> UnitOutline | None:
        name = {"step": self.step, "sub-task": self.sub_task}.get(unit.kind)
        is_other = name not in {None, unit.name}
        if is_other or (unit.kind == "task" and self.step is not None):
            return None
        parts = tuple(filter(None, map(self._narrow_unit, unit.parts)))
        is_inside = unit.kind == "sub-task" or self.sub_task is None
        attempts = tuple(self._narrow_attempts(unit)) if is_inside else ()
        # What is asked for by its name is shown although nothing has come of it yet.
        is_named = self == CallFilter(self.step, self.sub_task) and is_inside
        is_left = bool(attempts or parts) or is_named
        return replace(unit, attempts=attempts, parts=parts) if is_left else None

    def _narrow_attempts(self, unit: UnitOutline) -> Iterator[AttemptOutline]:
        for attempt in unit.attempts:
            calls = tuple(filter(self._fits, attempt.calls))
            if self.failed:
                failed = tuple(call for call in calls if _is_failed(call, attempt))
                # An attempt fails, too, where its answer could not be checked.
                calls = failed or (calls[-1:] if attempt.has_failed else ())
            is_failed = bool(calls) or attempt.has_failed
            is_asked_for = self.attempt in {None, attempt.number} and self.role is None
            if calls or (is_asked_for and not attempt.calls and (is_failed or not self.failed)):
                yield replace(attempt, calls=calls)


ALL_CALLS = CallFilter()


def _is_failed(call: Interaction, attempt: AttemptOutline) -> bool:
    """Return whether nothing came of a call; one that is under way may still bring something."""
    is_under_way = call.status == STARTED and attempt.state == "running"
    return judge_call(call, attempt).is_failure and not is_under_way


def _list_steps(outline: Outline) -> list[str]:
    """List the names of a run's steps."""
    return [unit.name for unit in outline.units if unit.kind == "step"]


def _list_sub_tasks(outline: Outline, step: str | None) -> list[str]:
    """List the names of the sub-tasks of a step, of all steps if None."""
    units = (unit for unit in outline.units if step in {None, unit.name})
    return list(dict.fromkeys(part.name for unit in units for part in unit.parts))


def find_unknown(query: CallFilter, outline: Outline) -> tuple[str, str, Sequence[str]] | None:
    """Find a step or sub-task that is asked for and not there: its kind, name and the known ones.

    None where all are there.
    """
    steps, parts = _list_steps(outline), _list_sub_tasks(outline, query.step)
    if query.step is not None and query.step not in steps:
        return "step", query.step, steps
    if query.sub_task is not None and query.sub_task not in parts:
        return "sub-task", query.sub_task, parts
    return None
