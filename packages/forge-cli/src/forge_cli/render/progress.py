"""What happened between two looks at a run, as plain lines."""

from collections.abc import Iterator, Sequence

from forge_core.models.run import PendingActivity
from forge_obs import Interaction

from forge_cli.escape import escape_line
from forge_cli.render.figures import format_count
from forge_cli.render.live import describe_activity
from forge_cli.views.result import AttemptView, ResultView, UnitView


def render_progress(before: ResultView, after: ResultView) -> list[str]:
    """Say what happened between two looks at the same run."""
    lines = []
    if after.plan and not before.plan:
        names = ", ".join(escape_line(step.name) for step in after.plan)
        lines.append(f"planned {format_count(len(after.plan), 'step')}: {names}")
    lines += _attempts("task", before.attempts, after.attempts)
    known = {step.name: step for step in before.steps}
    for number, step in enumerate(after.steps, start=1):
        label = f"step {number}/{len(after.plan)} {escape_line(step.name)}"
        lines += _unit(label, known.get(step.name), step)
    return lines


def _unit(label: str, before: UnitView | None, after: UnitView) -> Iterator[str]:
    known = {part.name: part for part in before.parts} if before else {}
    for part in after.parts:
        name = f"{label} / {escape_line(part.name)}"
        told = known[part.name].attempts if part.name in known else ()
        failed = [attempt for attempt in part.attempts[len(told) :] if attempt.signal != "success"]
        yield from _attempts(name, (), failed)
    yield from _attempts(label, before.attempts if before else (), after.attempts)
    status = before.status if before else "running"
    if after.status not in {status, "running"}:
        commit = f", commit {escape_line(after.commit[:12])}" if after.commit else ""
        parts = f", {format_count(len(after.parts), 'sub-task')}" if after.parts else ""
        yield f"{label}: {escape_line(after.status)}{parts}{commit}"


def _attempts(
    label: str, before: Sequence[AttemptView], after: Sequence[AttemptView]
) -> Iterator[str]:
    for attempt in after[len(before) :]:
        if attempt.signal == "success":
            yield f"{label}: attempt {attempt.number} passed"
        else:
            reason = escape_line(attempt.error or attempt.signal)
            yield f"{label}: attempt {attempt.number} failed: {reason}"


def render_call_events(before: Sequence[Interaction], after: Sequence[Interaction]) -> list[str]:
    """Say which requests to models have failed since the last look."""
    told = {call.id for call in before if call.status == "error"}
    return [
        _describe_failure(call) for call in after if call.status == "error" and call.id not in told
    ]


def render_pending_events(
    root_id: str, before: Sequence[PendingActivity], after: Sequence[PendingActivity]
) -> Iterator[str]:
    """Say which activities have begun or are to be tried again, where no record tells more."""
    told = {_identify(pending) for pending in before}
    for pending in after:
        if _identify(pending) in told:
            continue
        line = describe_activity(root_id, pending)
        line += f", try {pending.attempt}" if pending.attempt > 1 else ""
        yield line + (f" after: {escape_line(pending.failure)}" if pending.failure else "")


def _identify(pending: PendingActivity) -> tuple[str, str, int]:
    return pending.workflow_id, pending.activity_id, pending.attempt


def _describe_failure(call: Interaction) -> str:
    parts = [part for part in (call.step_id, call.sub_task_id) if part]
    where = f"step {escape_line(' / '.join(parts))}" if parts else escape_line(call.role)
    attempt = f", attempt {call.attempt}" if parts and call.attempt else ""
    reason = ": ".join(part for part in (call.error_type, call.error) if part)
    return f"{where}{attempt}: a request failed: {escape_line(reason)}"
