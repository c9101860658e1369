"""What the server knows of a run while nobody executes it, and taking it from a dead worker."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import (
    ResetActivityRequest,
    ResetStickyTaskQueueRequest,
)
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHistoryEventFilterType,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from forge_core.errors import UNEXPECTED, DiskFull

OUTSIDE_ENDINGS = {
    WorkflowExecutionStatus.TERMINATED: "terminated in Temporal, not by forge",
    WorkflowExecutionStatus.TIMED_OUT: "timed out in Temporal",
}
"""Ends of a run that it has no part in, so that it cannot put them on record itself."""

GIVEN_UP = "cancelled by forge, since it could not get on"
"""Reason that is told to Temporal, and put on record, of a run that only Temporal can end."""

AT_ONCE = timedelta(milliseconds=1)
"""Delay after which a released activity is tried again; none at all is not to be had."""


async def describe(
    client: Client, workflow_id: str, run_id: str | None = None
) -> WorkflowExecutionDescription | None:
    """Ask the server for a workflow; None if it knows none of this id.

    Raises:
        RPCError: The server does not answer.
    """
    try:
        return await client.get_workflow_handle(workflow_id, run_id=run_id).describe()
    except RPCError as error:
        if error.status in {RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT}:
            return None
        raise


def find_outside_ending(found: WorkflowExecutionDescription | None) -> str | None:
    """Say how a run was ended from outside; None for one that was not."""
    if found is None:
        return "no longer known to Temporal"
    return OUTSIDE_ENDINGS.get(found.status) if found.status is not None else None


async def is_given_up(client: Client, found: WorkflowExecutionDescription) -> bool:
    """Tell whether a workflow was ended by `give_up`.

    Raises:
        RPCError: The server does not answer.
    """
    if found.status != WorkflowExecutionStatus.TERMINATED:
        return False
    handle = client.get_workflow_handle(found.id, run_id=found.run_id)
    closing = handle.fetch_history_events(
        event_filter_type=WorkflowHistoryEventFilterType.CLOSE_EVENT
    )
    reasons = [
        event.workflow_execution_terminated_event_attributes.reason async for event in closing
    ]
    return GIVEN_UP in reasons


async def give_up(client: Client, workflow_id: str) -> None:
    """End a run that cannot get on, and its sub-tasks, which would wait for a worker for ever.

    Raises:
        RPCError: The server does not answer.
    """
    for found in [found async for found in walk(client, workflow_id)]:
        with _ignoring_missing():
            handle = client.get_workflow_handle(found.id, run_id=found.run_id)
            await handle.terminate(reason=GIVEN_UP)


async def release(client: Client, workflow_id: str, delay: timedelta = AT_ONCE) -> None:
    """Take a run and its sub-tasks from a worker that is known to be dead.

    Left alone, the server gives the worker until its activities' heartbeats are overdue, and
    waits for its cached workflows.

    Args:
        client: A connection.
        workflow_id: The run's.
        delay: After which its activities are tried again.

    Raises:
        RPCError: The server does not answer.
    """
    async for found in walk(client, workflow_id):
        await client.workflow_service.reset_sticky_task_queue(
            ResetStickyTaskQueueRequest(
                namespace=client.namespace,
                execution=WorkflowExecution(workflow_id=found.id, run_id=found.run_id),
            )
        )
        for pending in found.raw_description.pending_activities:
            await _release_activity(client, found, pending, delay)


async def walk(client: Client, workflow_id: str) -> AsyncIterator[WorkflowExecutionDescription]:
    """Go through a workflow and those below it that have not ended."""
    found = await describe(client, workflow_id)
    if found is None or found.status != WorkflowExecutionStatus.RUNNING:
        return
    yield found
    for child in found.raw_description.pending_children:
        async for below in walk(client, child.workflow_id):
            yield below


async def _release_activity(
    client: Client,
    found: WorkflowExecutionDescription,
    pending: PendingActivityInfo,
    delay: timedelta,
) -> None:
    handle = client.get_async_activity_handle(
        workflow_id=found.id, run_id=found.run_id, activity_id=pending.activity_id
    )
    # It may have ended between our two looks.
    with _ignoring_missing():
        if pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED:
            lost = ApplicationError("its worker is gone", type="WorkerLost", next_retry_delay=delay)
            await handle.fail(lost)
        elif pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED:
            await handle.report_cancellation()
        elif delay == AT_ONCE:
            await _hasten(client, found, pending)


async def hasten(client: Client, workflow_id: str) -> None:
    """Have what waits for its user, in a run that a worker has, tried again at once.

    Raises:
        RPCError: The server does not answer.
    """
    async for found in walk(client, workflow_id):
        for pending in found.raw_description.pending_activities:
            with _ignoring_missing():
                await _hasten(client, found, pending)


async def _hasten(
    client: Client, found: WorkflowExecutionDescription, pending: PendingActivityInfo
) -> None:
    """Try an activity again that waits for its user, who has made room or mended something."""
    waits = pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    kind = pending.last_failure.application_failure_info.type
    if waits and kind in {DiskFull.__name__, UNEXPECTED}:
        await client.workflow_service.reset_activity(
            ResetActivityRequest(
                namespace=client.namespace,
                execution=WorkflowExecution(workflow_id=found.id, run_id=found.run_id),
                id=pending.activity_id,
            )
        )


@contextmanager
def _ignoring_missing() -> Iterator[None]:
    try:
        yield
    except RPCError as error:
        if error.status not in {RPCStatusCode.NOT_FOUND, RPCStatusCode.UNIMPLEMENTED}:
            raise
