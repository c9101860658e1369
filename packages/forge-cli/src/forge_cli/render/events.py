"""What happened between two looks at a run's calls or activities, as plain lines."""

from collections.abc import Iterator, Sequence

from forge_core.models.pending import PendingActivity
from forge_obs.model.rows import Interaction

from forge_cli.escape import escape_line
from forge_cli.render.live import describe_activity


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
