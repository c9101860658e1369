"""Asking the server what a run is waiting for."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.failure.v1 import Failure
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client

from forge_core.models.pending import PendingActivity
from forge_core.temporal_client.executions import walk

LONGEST_REASON = 500
"""Characters of a failure's message that are passed on."""


async def list_pending_activities(client: Client, workflow_id: str) -> list[PendingActivity]:
    """List what a run and its sub-tasks are waiting for; nothing for one that has ended.

    Raises:
        RPCError: The server does not answer.
    """
    return [
        _convert(found.id, info)
        async for found in walk(client, workflow_id)
        for info in found.raw_description.pending_activities
    ]


def _convert(workflow_id: str, info: PendingActivityInfo) -> PendingActivity:
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
        failure=_read_failure(info.last_failure),
        next_attempt_at=_moment(info.next_attempt_schedule_time) if waits else None,
    )


def _read_failure(failure: Failure) -> str | None:
    """Read why an attempt failed; the server wraps a failure that it had to cut short."""
    if failure.HasField("server_failure_info") and failure.HasField("cause"):
        failure = failure.cause
    return failure.message[:LONGEST_REASON] or None


def _moment(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
