"""Asking the server for a workflow, and taking a run from a dead worker or ending it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.failure.v1 import Failure
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import (
    PauseActivityRequest,
    ResetActivityRequest,
    ResetStickyTaskQueueRequest,
    UnpauseActivityRequest,
)
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from forge_core.errors import UNEXPECTED, DiskFull, ServerUnavailable

TERMINATION_REASON = "cancelled by forge, since it could not get on"
"""Told to Temporal, and put on record, of a run that only Temporal can end."""

WORKER_LOST = "WorkerLost"
"""Type of the failure by which an activity is taken from a dead worker."""

AT_ONCE = timedelta(milliseconds=1)
"""Delay after which a released activity is tried again; none at all is not to be had."""


@contextmanager
def server_request(purpose: str) -> Iterator[None]:
    """Turn a request that fails into `ServerUnavailable`.

    Args:
        purpose: What the server does not do then, for the message.
    """
    try:
        yield
    except RPCError as error:
        reason = f"the Temporal server does not {purpose}: {error.message}"
        raise ServerUnavailable(reason) from error


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


async def walk(client: Client, workflow_id: str) -> AsyncIterator[WorkflowExecutionDescription]:
    """Go through a workflow and those below it that have not ended.

    Raises:
        RPCError: The server does not answer.
    """
    description = await describe(client, workflow_id)
    if description is None or description.status != WorkflowExecutionStatus.RUNNING:
        return
    yield description
    for child in description.raw_description.pending_children:
        async for below in walk(client, child.workflow_id):
            yield below


async def terminate(client: Client, workflow_id: str) -> None:
    """End a run that cannot go on, and its sub-tasks, which would wait for a worker for ever.

    Raises:
        ServerUnavailable: The server does not end it.
    """
    with server_request("end the run"):
        for description in [description async for description in walk(client, workflow_id)]:
            handle = client.get_workflow_handle(description.id, run_id=description.run_id)
            with _ignoring_missing():
                await handle.terminate(reason=TERMINATION_REASON)


async def cancel(client: Client, workflow_id: str) -> None:
    """Tell a run and each of its sub-tasks to stop, before any worker goes on with one of them.

    A sub-task that heard of it from its run alone would begin with its call meanwhile.

    Raises:
        ServerUnavailable: The server does not tell them.
    """
    with server_request("cancel the run"):
        for description in [description async for description in walk(client, workflow_id)]:
            handle = client.get_workflow_handle(description.id, run_id=description.run_id)
            with _ignoring_missing():
                await handle.cancel()


async def release(client: Client, workflow_id: str, delay: timedelta = AT_ONCE) -> None:
    """Take a run and its sub-tasks from a worker that is known to be dead.

    Left alone, the server gives the worker until its activities' heartbeats are overdue, and
    waits for its cached workflows.

    Args:
        client: A connection.
        workflow_id: The run's.
        delay: After which its activities are tried again. With any other than the default, those
            that wait to be tried are paused, until the run is cancelled or released again.

    Raises:
        ServerUnavailable: The server does not let go of it.
    """
    with server_request("let go of the run"):
        async for description in walk(client, workflow_id):
            await client.workflow_service.reset_sticky_task_queue(
                ResetStickyTaskQueueRequest(
                    namespace=client.namespace,
                    execution=WorkflowExecution(
                        workflow_id=description.id, run_id=description.run_id
                    ),
                )
            )
            for pending in description.raw_description.pending_activities:
                await _release_activity(client, description, pending, delay)


async def hasten(client: Client, workflow_id: str) -> None:
    """Have what waits for its user, in a run that a worker has, tried again at once.

    Raises:
        ServerUnavailable: The server does not do it.
    """
    with server_request("try the run's activities again"):
        async for description in walk(client, workflow_id):
            for pending in description.raw_description.pending_activities:
                with _ignoring_missing():
                    await _hasten_activity(client, description, pending)


async def _release_activity(
    client: Client,
    workflow: WorkflowExecutionDescription,
    pending: PendingActivityInfo,
    delay: timedelta,
) -> None:
    handle = client.get_async_activity_handle(
        workflow_id=workflow.id, run_id=workflow.run_id, activity_id=pending.activity_id
    )
    # It may have ended between our two looks.
    with _ignoring_missing():
        if pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED:
            lost = ApplicationError("its worker is gone", type=WORKER_LOST, next_retry_delay=delay)
            await handle.fail(lost)
        elif pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED:
            await handle.report_cancellation()
        elif delay != AT_ONCE:
            await _pause_activity(client, workflow, pending)
        else:
            await _hasten_activity(client, workflow, pending)


async def _pause_activity(
    client: Client, workflow: WorkflowExecutionDescription, pending: PendingActivityInfo
) -> None:
    """Keep an activity that waits to be tried from any worker; cancelling ends it all the same."""
    await client.workflow_service.pause_activity(
        PauseActivityRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=workflow.id, run_id=workflow.run_id),
            id=pending.activity_id,
        )
    )


async def _hasten_activity(
    client: Client, workflow: WorkflowExecutionDescription, pending: PendingActivityInfo
) -> None:
    """Try an activity again that is held back, or waits for its user, who has mended something."""
    waits = pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    types = set(_list_types(pending.last_failure))
    is_delayed = waits and WORKER_LOST in types
    if is_delayed:
        # What is unpaused begins at once; a reset would count its attempts from 1 again.
        await _pause_activity(client, workflow, pending)
    if pending.paused or is_delayed:
        await client.workflow_service.unpause_activity(
            UnpauseActivityRequest(
                namespace=client.namespace,
                execution=WorkflowExecution(workflow_id=workflow.id, run_id=workflow.run_id),
                id=pending.activity_id,
            )
        )
    if waits and not {DiskFull.__name__, UNEXPECTED}.isdisjoint(types):
        await client.workflow_service.reset_activity(
            ResetActivityRequest(
                namespace=client.namespace,
                execution=WorkflowExecution(workflow_id=workflow.id, run_id=workflow.run_id),
                id=pending.activity_id,
            )
        )


def _list_types(failure: Failure) -> Iterator[str]:
    """List the types of a failure and its causes; the server wraps one that it has to cut short."""
    while True:
        yield failure.application_failure_info.type
        if not failure.HasField("cause"):
            return
        failure = failure.cause


@contextmanager
def _ignoring_missing() -> Iterator[None]:
    try:
        yield
    except RPCError as error:
        if error.status not in {RPCStatusCode.NOT_FOUND, RPCStatusCode.UNIMPLEMENTED}:
            raise
