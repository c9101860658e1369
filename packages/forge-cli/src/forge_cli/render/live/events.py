"""What happened to a run between two looks at it, a line each, in the order of happening; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from forge_core.models.run import PendingActivity
from forge_obs import STARTED, Interaction

from forge_cli.escape import escape_line
from forge_cli.render.figures import format_count, name_retry
from forge_cli.render.live.activities import describe_activity
from forge_cli.render.table import name_status
from forge_cli.views.outline import LONGEST_MS, find_asked
from forge_cli.views.result import AttemptView, ResultView, UnitView

EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Look:
    """What was known of a run at a moment."""

    result: ResultView
    calls: Sequence[Interaction] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""

    line: str
    moment: datetime | None = None
    """None for right after what stands before it."""


def render_progress(before: Look, after: Look) -> list[str]:
    """Say what happened between two looks at the same run."""
    events = [
        *_list_plan(before.result, after),
        *_list_attempts("task", before.result.attempts, after.result.attempts),
    ]
    earlier_steps = {step.name: step for step in before.result.steps}
    for step in after.result.steps:
        events += _list_unit(_label(after.result, step.name), earlier_steps.get(step.name), step)
    return [event.line for event in _sort([*_list_calls(before, after), *events])]


def _sort(events: Sequence[Event]) -> list[Event]:
    """Sort events by when they happened; one without a moment stays behind the one before it."""
    dated: list[tuple[datetime, Event]] = []
    for event in events:
        last = dated[-1][0] if dated else EARLIEST
        dated.append((event.moment or last, event))
    return [event for _, event in sorted(dated, key=lambda pair: pair[0])]


def _label(result: ResultView, step_id: str) -> str:
    names = [step.name for step in result.plan]
    number = f"{names.index(step_id) + 1}/{len(names)} " if step_id in names else ""
    return f"step {number}{escape_line(step_id)}"


def _list_plan(before: ResultView, after: Look) -> Iterator[Event]:
    if after.result.plan and not before.plan:
        steps = after.result.plan
        names = ", ".join(escape_line(step.name) for step in steps)
        ends = [_find_end(call) for call in after.calls if call.role == "planner"]
        line = f"planned {format_count(len(steps), 'step')}: {names}"
        yield Event(line, max(ends, default=EARLIEST))


def _list_unit(label: str, before: UnitView | None, after: UnitView) -> Iterator[Event]:
    earlier_parts = {part.name: part for part in before.parts} if before else {}
    for part in after.parts:
        earlier = earlier_parts[part.name].attempts if part.name in earlier_parts else ()
        failed = [attempt for attempt in part.attempts if attempt.signal != "success"]
        yield from _list_attempts(f"{label} / {escape_line(part.name)}", earlier, failed)
    yield from _list_attempts(label, before.attempts if before else (), after.attempts)
    status = _find_status(after)
    if status not in {_find_status(before) if before else "running", "running"}:
        sha = after.commit or next((made.commit for made in after.attempts[-1:]), None)
        commit = f", commit {escape_line(sha[:12])}" if sha else ""
        parts = f", {format_count(len(after.parts), 'sub-task')}" if after.parts else ""
        yield Event(f"{label}: {name_status(status)}{parts}{commit}")


def _find_status(unit: UnitView) -> str:
    # Its own status is on record only with the first attempt at the next step.
    return "success" if unit.is_done else unit.status


def _list_attempts(
    label: str, before: Sequence[AttemptView], after: Sequence[AttemptView]
) -> Iterator[Event]:
    # A sub-task begins to count anew with each attempt at the step around it.
    earlier = {(attempt.number, attempt.started_at) for attempt in before}
    for attempt in after:
        if (attempt.number, attempt.started_at) in earlier:
            continue
        moment = attempt.started_at
        if moment is not None:
            moment += timedelta(milliseconds=min(sum(attempt.phases.values()), LONGEST_MS))
        if attempt.signal == "success":
            said = "; ".join(escape_line(check.remark) for check in attempt.remarks)
            line = f"{label}: attempt {attempt.number} passed{f' ({said})' if said else ''}"
        else:
            line = f"{label}: attempt {attempt.number} failed: {escape_line(attempt.reason)}"
        yield Event(line, moment)


def _list_calls(before: Look, after: Look) -> Iterator[Event]:
    """List the requests to models that have failed, and those for more context."""
    earlier_ids = {call.id for call in before.calls if call.status != STARTED}
    for call in after.calls:
        if call.status == STARTED or call.id in earlier_ids:
            continue
        said, where = find_asked(call), _name_caller(after.result, call)
        if call.status == "error":
            reason = ": ".join(part for part in (call.error_type, call.error) if part)
            said = f"a request failed: {reason}"
        if said:
            yield Event(f"{where}: {escape_line(said)}", _find_end(call))


def _name_caller(result: ResultView, call: Interaction) -> str:
    where = _label(result, call.step_id) if call.step_id else escape_line(call.role)
    where += f" / {escape_line(call.sub_task_id)}" if call.step_id and call.sub_task_id else ""
    attempt = f", attempt {call.attempt}" if call.step_id and call.attempt else ""
    return where + attempt


def _find_end(call: Interaction) -> datetime:
    return call.created_at + timedelta(milliseconds=min(call.latency_ms, LONGEST_MS))


def render_pending_events(
    root_id: str, before: Sequence[PendingActivity], after: Sequence[PendingActivity]
) -> Iterator[str]:
    """Say which activities have begun or are to be tried again, where no record tells more."""
    earlier = {_identify(pending) for pending in before}
    for pending in after:
        if _identify(pending) in earlier:
            continue
        line = describe_activity(root_id, pending)
        retry = name_retry(pending.attempt)
        line += f", {retry}" if retry else ""
        yield line + (f" after: {escape_line(pending.failure)}" if pending.failure else "")


def _identify(pending: PendingActivity) -> tuple[str, str, int]:
    return pending.workflow_id, pending.activity_id, pending.attempt
