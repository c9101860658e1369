"""Finding out whether any worker takes runs from a task queue."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.enums.v1 import PendingWorkflowTaskState, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from forge_core.errors import ServerUnavailable

LONG_POLL = timedelta(seconds=90)
"""Time within which a living worker polls again; the server names dead ones for five minutes."""

TAKEN_TIMEOUT_S = 10.0
"""Seconds within which a living worker begins with a run; it takes milliseconds."""

LOOK_INTERVAL_S = 0.1


async def has_workers(client: Client, task_queue: str, now: datetime | None = None) -> bool:
    """Tell whether a worker has polled a queue for workflows of late.

    One that stopped within the last 90 seconds cannot be told from one that waits:
    `ensure_taken` can.

    Args:
        client: A connection.
        task_queue: The queue.
        now: The time, the present one if not given.

    Raises:
        ServerUnavailable: The server does not tell.
    """
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    try:
        answer = await client.workflow_service.describe_task_queue(request)
    except RPCError as error:
        raise ServerUnavailable(
            f"the Temporal server does not tell who polls it: {error.message}"
        ) from error
    since = (now or datetime.now(UTC)) - LONG_POLL
    return any(poller.last_access_time.ToDatetime(tzinfo=UTC) >= since for poller in answer.pollers)


async def ensure_taken(
    handle: WorkflowHandle[Any, Any], timeout_s: float = TAKEN_TIMEOUT_S
) -> None:
    """Wait until a worker has begun with a run that was just started; else withdraw the run.

    Raises:
        ServerUnavailable: No worker took it in time, or the server does not tell.
    """
    try:
        async with asyncio.timeout(timeout_s):
            while not await _is_taken(handle):  # noqa: ASYNC110 - nothing tells when it is
                await asyncio.sleep(LOOK_INTERVAL_S)
    except TimeoutError as error:
        await _withdraw(handle)
        raise ServerUnavailable(
            f"no worker took the run within {timeout_s:g} s, so it was withdrawn: "
            "start one with `forge worker`"
        ) from error
    except RPCError as error:
        raise ServerUnavailable(
            f"the Temporal server does not tell whether run {handle.id} was taken: {error.message}"
        ) from error


async def _is_taken(handle: WorkflowHandle[Any, Any]) -> bool:
    found = await handle.describe()
    task = found.raw_description.pending_workflow_task
    waits = (
        found.status == WorkflowExecutionStatus.RUNNING
        and task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED
        and found.history_length <= 2
    )
    return not waits


async def _withdraw(handle: WorkflowHandle[Any, Any]) -> None:
    try:
        await handle.terminate("no worker took it")
    except RPCError as error:
        raise ServerUnavailable(
            f"no worker took run {handle.id}, and it cannot be withdrawn: {error.message}"
        ) from error
