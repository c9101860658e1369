"""What a run waits for, and whether waiting helps, as the server describes it; pure.

A workflow whose worker cannot read its history is tried again for ever, and so is an activity whose
argument cannot be read: no code of ours runs that could end the run. A full disk blocks it until
somebody makes room; a run is worth a while of waiting for that, and is not ended for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import EventType, PendingActivityState, WorkflowTaskFailedCause
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo

from forge_core.errors import UNEXPECTED, DiskFull, PayloadUnavailable, UnsignedWork
from forge_core.models.budget import BudgetStop
from forge_core.models.run import PendingActivity

LONGEST_REASON = 500
"""Characters of a failure's message that are passed on."""

LONGEST_NUMBER = 12
"""Digits of a number of tokens."""

LASTING = frozenset({PayloadUnavailable.__name__, UnsignedWork.__name__})
"""Types of failures that no further attempt mends."""

NO_STORE = ("TMPRL1105", "No driver found with name")
"""Parts of what the SDK says of a payload in a store that is not configured."""


@dataclass(frozen=True, slots=True)
class StuckCause:
    """What keeps a run from making progress."""

    reason: str
    """In one line."""
    may_pass: bool = False
    """A later attempt may succeed."""
    is_mendable: bool = False
    """The run can be resumed, once its user has looked at it."""

    def explain(self, workflow_id: str) -> str:
        """Describe what it means for a run, and what its user can do."""
        if self.is_mendable:
            return (
                f"run {workflow_id} makes no progress: {self.reason}: "
                f"forge resume {workflow_id} tries again, forge cancel {workflow_id} ends it"
            )
        text = f"run {workflow_id} cannot go on: {self.reason}"
        if self.may_pass:
            text += f": make room, then forge resume {workflow_id} continues it"
        return text


@dataclass(frozen=True, slots=True)
class RunLook:
    """A look at a run and its sub-tasks; nothing of one that has ended."""

    pending: tuple[PendingActivity, ...] = ()
    """The activities that it waits for."""
    cause: StuckCause | None = None
    stop: BudgetStop | None = None
    """Why the run waits for a new limit."""


def read_pending(workflow_id: str, info: PendingActivityInfo) -> PendingActivity:
    """Convert what the server says of an activity of a workflow."""
    running = info.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
    began = info.last_started_time if running else info.scheduled_time
    waits = not running and info.attempt > 1 and info.HasField("next_attempt_schedule_time")
    return PendingActivity(
        workflow_id=workflow_id,
        activity_id=info.activity_id,
        name=info.activity_type.name,
        attempt=max(1, info.attempt),
        since=_moment(began),
        running=running,
        failure=_read_message(info.last_failure),
        next_attempt_at=_moment(info.next_attempt_schedule_time) if waits else None,
        tokens=_read_tokens(info) if running else None,
    )


def find_activity_cause(pending: Iterable[PendingActivityInfo]) -> StuckCause | None:
    """Return the first that the last attempts of a workflow's activities tell of."""
    causes = (_read_activity(info) for info in pending)
    return next((cause for cause in causes if cause), None)


def find_task_cause(newest_events: Iterable[HistoryEvent]) -> StuckCause | None:
    """Return why a workflow's last task failed; one that was only late is no cause.

    Args:
        newest_events: The end of the workflow's history, newest first.
    """
    for event in newest_events:
        if event.event_type in {
            EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
            EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
        }:
            return None
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            return _read_failed_task(event)
    return None


def lacks_store(message: str) -> bool:
    """Return whether the SDK says that a payload is in a store which is not configured."""
    return any(part in message for part in NO_STORE)


def _read_activity(info: PendingActivityInfo) -> StuckCause | None:
    """Return what blocks an activity; one that is being tried again may be mended by now."""
    cause = _read_cause(info.last_failure)
    if cause is None or not cause.is_mendable:
        return cause
    scheduled = info.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    return cause if scheduled and info.attempt > 1 else None


def _read_failed_task(event: HistoryEvent) -> StuckCause | None:
    task = event.workflow_task_failed_event_attributes
    if task.cause == WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR:
        return StuckCause(
            "it was begun by another version of forge, whose workflows decide otherwise: "
            f"go on with that version ({_shorten(task.failure.message)})"
        )
    return _read_cause(task.failure)


def _read_cause(failure: Failure) -> StuckCause | None:
    """Return what the next attempt does not mend by itself in a failure and what caused it."""
    while True:
        kind = failure.application_failure_info.type
        if kind in LASTING or kind == DiskFull.__name__:
            return StuckCause(_shorten(failure.message), may_pass=kind not in LASTING)
        if kind == UNEXPECTED:
            return StuckCause(_shorten(failure.message), is_mendable=True)
        if lacks_store(failure.message):
            return StuckCause(
                "its worker lacks the payload store: set FORGE_PAYLOAD_STORE there as it is here"
            )
        if not failure.HasField("cause"):
            return None
        failure = failure.cause


def _read_message(failure: Failure) -> str | None:
    """Return why an attempt failed; the server wraps a failure that it had to cut short."""
    if failure.HasField("server_failure_info") and failure.HasField("cause"):
        failure = failure.cause
    return failure.message[:LONGEST_REASON] or None


def _read_tokens(info: PendingActivityInfo) -> int | None:
    """Return how many tokens a model call has told of; it is a figure for the eye, of anybody."""
    payloads = info.heartbeat_details.payloads
    try:
        return int(payloads[2].data[:LONGEST_NUMBER])
    except (IndexError, ValueError):
        return None


def _shorten(text: str) -> str:
    return " ".join(text.split())[:LONGEST_REASON]


def _moment(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
