"""A run as units of work with their attempts, and each attempt with its calls; pure.

The result says what came of an attempt once it has ended; the calls say what was asked and paid,
also of attempts that are under way or whose result nobody wrote. Both are brought together here.

See D62.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from forge_obs import STARTED, Interaction

from forge_cli.views.result import AttemptView, ResultView, UnitView

PLANNER = "planner"
"""Role of a call that plans."""

NOT_STARTED = "not started"

ANSWERED = "answered"
"""State of a sub-task whose model has answered; what came of that is told with its siblings."""

LONGEST_MS = 1e12
"""Milliseconds beyond which a duration is an error, some thirty years."""

AttemptKey = tuple[int, int]
"""Attempt of the step around a sub-task, 0 where there is none, and attempt at the unit."""


ASKED = "asked for "
"""How the notes of a call begin that asked for more context instead of answering."""


def find_asked(call: Interaction) -> str:
    """Return what a call asked for instead of answering; empty where it answered."""
    notes = call.notes or ""
    return notes.partition("; ")[0] if call.status == "ok" and notes.startswith(ASKED) else ""


@dataclass(frozen=True, slots=True)
class AttemptOutline:
    """One attempt: what came of it, if anybody knows, and its calls."""

    number: int
    state: str
    """`success`, `failed`, `running`, `answered` or `unfinished`."""
    is_discarded: bool
    """Whether nothing of it was kept, or the step's attempt around it failed."""
    result: AttemptView | None = None
    calls: tuple[Interaction, ...] = ()
    step_attempt: int | None = None

    @property
    def has_failed(self) -> bool:
        """Whether it was not accepted, or nobody knows what came of it."""
        return self.state in {"failed", "unfinished"}

    @property
    def wasted_calls(self) -> Iterator[Interaction]:
        """Calls that were paid for nothing."""
        return (call for call in self.calls if self.is_discarded or call.status == "error")

    def list_phases(self) -> Iterator[tuple[str, float, float]]:
        """List its phases, one after the other, each with seconds since the attempt began."""
        end_s = 0.0
        for phase, milliseconds in (self.result.phases if self.result else {}).items():
            start_s, end_s = end_s, end_s + min(max(0.0, milliseconds), LONGEST_MS) / 1000
            yield phase, start_s, end_s

    def list_moments(self) -> Iterator[datetime]:
        """List moments at which something of it is known to have happened."""
        for call in self.calls:
            yield call.created_at
            yield call.created_at + timedelta(milliseconds=min(call.latency_ms, LONGEST_MS))
        if self.result is not None and self.result.started_at is not None:
            took_ms = sum(self.result.phases.values())
            yield self.result.started_at
            yield self.result.started_at + timedelta(milliseconds=min(took_ms, LONGEST_MS))


def name_attempt(attempt: AttemptOutline) -> str:
    """Name an attempt; that of a repeated step by the step's, too, e.g. ``attempt 2.1``."""
    around = f"{attempt.step_attempt}." if (attempt.step_attempt or 1) > 1 else ""
    return f"attempt {around}{attempt.number}"


@dataclass(frozen=True, slots=True)
class UnitOutline:
    """A step, a sub-task, or a task without a plan."""

    kind: str
    name: str
    state: str
    """As the result says; `running`, `answered` or `waiting`, or in a run that ended anyhow
    `unfinished` or `not started`."""
    commit: str | None = None
    error: str | None = None
    description: str = ""
    attempts: tuple[AttemptOutline, ...] = ()
    parts: tuple["UnitOutline", ...] = ()

    @property
    def calls(self) -> tuple[Interaction, ...]:
        """All calls, those of the parts included."""
        return tuple(call for attempt in self.list_attempts() for call in attempt.calls)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state not in {"running", ANSWERED, "waiting"}

    def find_span(self) -> tuple[datetime, datetime] | None:
        """Find from when to when there are signs of it; None where there are none."""
        moments = [moment for attempt in self.list_attempts() for moment in attempt.list_moments()]
        return (min(moments), max(moments)) if moments else None

    def list_attempts(self) -> Iterator[AttemptOutline]:
        """List attempts at the unit and at its parts."""
        yield from self.attempts
        for part in self.parts:
            yield from part.list_attempts()


@dataclass(frozen=True, slots=True)
class Outline:
    """What a run consists of."""

    planner: tuple[Interaction, ...] = ()
    units: tuple[UnitOutline, ...] = ()
    planned: int = 0
    """Steps of the plan."""
    calls: tuple[Interaction, ...] = field(default=(), repr=False)
    """All calls, in the order of recording."""

    @property
    def has_parts(self) -> bool:
        """Whether a step has parallel sub-tasks."""
        return any(len(unit.parts) > 1 for unit in self.units)

    @property
    def steps_done(self) -> int:
        """Steps that ended with success."""
        return sum(unit.kind == "step" and unit.state == "success" for unit in self.units)

    def list_attempts(self) -> Iterator[AttemptOutline]:
        """List all attempts."""
        for unit in self.units:
            yield from unit.list_attempts()

    def list_wasted(self) -> Iterator[Interaction]:
        """List the calls that were paid for nothing."""
        yield from (call for call in self.planner if call.status == "error")
        for attempt in self.list_attempts():
            yield from attempt.wasted_calls

    def list_in_flight(self) -> Iterator[Interaction]:
        """List the calls whose outcome is not on record."""
        return (call for call in self.calls if call.status == STARTED)


def build_outline(result: ResultView, calls: Sequence[Interaction], *, running: bool) -> Outline:
    """Bring a run's result and its calls together.

    Args:
        result: What is known of the run.
        calls: Its calls in the order of recording, with or without their texts.
        running: Whether the run is under way, so that what has no end yet may still get one.
    """
    planner = tuple(call for call in calls if call.role == PLANNER and not call.step_id)
    by_step = _group(calls, planner)
    builder = _Builder(running=running)
    units = []
    if result.attempts or None in by_step:
        task = UnitView("", result.status, attempts=result.attempts)
        units.append(builder.build_unit("task", task, by_step.get(None, [])))
    planned = {step.name: step for step in result.plan}
    steps = {step.name: step for step in result.steps}
    names = dict.fromkeys([*planned, *steps, *(step for step in by_step if step)])
    units += [
        builder.build_step(steps.get(name), planned.get(name), name, by_step.get(name, []))
        for name in names
    ]
    return Outline(planner, tuple(units), len(result.plan), tuple(calls))


def _group(
    calls: Sequence[Interaction], without: Sequence[Interaction]
) -> dict[str | None, list[Interaction]]:
    left_out = {id(call) for call in without}
    groups: dict[str | None, list[Interaction]] = {}
    for call in calls:
        if id(call) not in left_out:
            groups.setdefault(call.step_id or None, []).append(call)
    return groups


class _Builder:
    """Builds units; knows whether what has no end may still get one."""

    def __init__(self, *, running: bool) -> None:
        self._running = running
        self._open = "running" if running else "unfinished"
        self._idle = "waiting" if running else NOT_STARTED

    def build_step(
        self,
        outcome: UnitView | None,
        planned: UnitView | None,
        name: str,
        calls: Sequence[Interaction],
    ) -> UnitOutline:
        """Build a step with its sub-tasks."""
        view = outcome or planned or UnitView(name)
        verdicts = {attempt.number: attempt.signal for attempt in view.attempts}
        own = [call for call in calls if not call.sub_task_id]
        parts = {part.name: part for part in view.parts}
        expected = {part.name: part for part in planned.parts} if planned else {}
        mentioned = [call.sub_task_id for call in calls if call.sub_task_id]
        names = dict.fromkeys([*expected, *parts, *mentioned])
        return self.build_unit(
            "step",
            view,
            own,
            parts=tuple(
                self._build_part(
                    parts.get(part),
                    expected.get(part),
                    [call for call in calls if call.sub_task_id == part],
                    verdicts,
                    part,
                )
                for part in names
            ),
        )

    def _build_part(
        self,
        outcome: UnitView | None,
        planned: UnitView | None,
        calls: Sequence[Interaction],
        verdicts: Mapping[int, str],
        name: str,
    ) -> UnitOutline:
        view = outcome or UnitView(name)
        if planned is not None:
            view = replace(view, description=planned.description)
        return self.build_unit("sub-task", view, calls, verdicts=verdicts)

    def build_unit(
        self,
        kind: str,
        view: UnitView,
        calls: Sequence[Interaction],
        *,
        verdicts: Mapping[int, str] | None = None,
        parts: tuple[UnitOutline, ...] = (),
    ) -> UnitOutline:
        """Build a unit of what its result says and of its calls.

        Args:
            kind: What it is called.
            view: What its result says.
            calls: Its calls.
            verdicts: Of a sub-task, what came of the attempts at the step around it.
            parts: Of a step, its sub-tasks.
        """
        latest = max(verdicts, default=1) if verdicts is not None else 0
        results = {(latest, attempt.number): attempt for attempt in view.attempts}
        grouped: dict[AttemptKey, list[Interaction]] = {}
        for call in calls:
            around = (call.step_attempt or latest) if verdicts is not None else 0
            grouped.setdefault((around, call.attempt or 1), []).append(call)
        attempts = tuple(
            self._build_attempt(key, results.get(key), grouped.get(key, ()), verdicts or {})
            for key in sorted(results.keys() | grouped.keys())
        )
        return UnitOutline(
            kind=kind,
            name=view.name,
            state=self._find_state(view.status, attempts, parts),
            commit=view.commit or _find_commit(attempts),
            error=view.error,
            description=view.description,
            attempts=attempts,
            parts=parts,
        )

    def _build_attempt(
        self,
        key: AttemptKey,
        result: AttemptView | None,
        calls: Sequence[Interaction],
        verdicts: Mapping[int, str],
    ) -> AttemptOutline:
        around, number = key
        discarded = verdicts.get(around, "success") != "success"
        if result is not None:
            state = "success" if result.signal == "success" else "failed"
        elif discarded:
            state = "unfinished"
        else:
            last = calls[-1] if self._running and around and calls else None
            answered = last is not None and last.status == "ok" and not find_asked(last)
            state = ANSWERED if answered else self._open
        return AttemptOutline(
            number=number,
            state=state,
            is_discarded=discarded or state == "failed",
            result=result,
            calls=tuple(calls),
            step_attempt=around or None,
        )

    def _find_state(
        self,
        status: str,
        attempts: Sequence[AttemptOutline],
        parts: Sequence[UnitOutline],
    ) -> str:
        last = attempts[-1] if attempts else None
        if status not in {"", "running"} and (last is None or last.result is not None):
            return status
        if status and last is not None and last.state == "success":
            return "success"  # the next unit has begun before the result said so
        if last is not None and last.state == ANSWERED:
            return ANSWERED
        begun = status or attempts or any(part.state != self._idle for part in parts)
        return self._open if begun else self._idle


def _find_commit(attempts: Sequence[AttemptOutline]) -> str | None:
    """Find the commit of an accepted attempt, before the unit's own result names it."""
    last = attempts[-1].result if attempts and attempts[-1].state == "success" else None
    return last.commit if last is not None else None
