"""Starting runs and reading how they ended."""

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.service import RPCError

from forge_core.errors import (
    ForgeError,
    InfrastructureError,
    RunCancelled,
    ServerUnavailable,
    TaskIdTaken,
    UsageError,
)
from forge_core.models.result import TaskResult
from forge_core.models.task import ForgeTaskInput
from forge_core.temporal.payloads import ensure_transferable, get_limit
from forge_core.workflows.options import TASK_TIMEOUT
from forge_core.workflows.task import ForgeTaskWorkflow

RunHandle = WorkflowHandle[ForgeTaskWorkflow, TaskResult]
"""A started run."""

SUMMARY_LENGTH = 200
"""Characters of the description that Temporal shows beside a run."""


async def start_run(
    client: Client, work: ForgeTaskInput, workflow_id: str, task_queue: str
) -> RunHandle:
    """Start a run under an id of its own.

    Raises:
        UsageError: The task's texts are too large to be submitted.
        ServerUnavailable: The server does not take it.
    """
    try:
        work = ensure_transferable(work, "the task", get_limit(client.data_converter))
    except ApplicationError as error:
        raise UsageError(error.message) from error
    with _as_unavailable("does not start the run"):
        return await client.start_workflow(
            ForgeTaskWorkflow.run,
            work,
            id=workflow_id,
            task_queue=task_queue,
            task_timeout=TASK_TIMEOUT,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            static_summary=work.task.description[:SUMMARY_LENGTH],
        )


async def wait_for_result(handle: RunHandle) -> TaskResult:
    """Wait until a run ends and return its result, also when the task failed.

    Raises:
        RunCancelled: It was cancelled.
        TaskIdTaken: Another run took the task's id first.
        ServerUnavailable: The server is gone.
        InfrastructureError: It could not be carried out.
    """
    try:
        with _as_unavailable("is lost; the run is kept there"):
            return await handle.result()
    except WorkflowFailureError as error:
        raise _translate(error) from error


async def has_workers(client: Client, task_queue: str) -> bool:
    """Tell whether any worker polls a queue for workflows."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    with _as_unavailable("does not tell who polls it"):
        answer = await client.workflow_service.describe_task_queue(request)
    return len(answer.pollers) > 0


@contextmanager
def _as_unavailable(what: str) -> Iterator[None]:
    try:
        yield
    except RPCError as error:
        raise ServerUnavailable(f"the Temporal server {what}: {error.message}") from error


def _translate(error: WorkflowFailureError) -> ForgeError:
    cause = error.cause
    if isinstance(cause, CancelledError):
        return RunCancelled("the run was cancelled")
    if isinstance(cause, ApplicationError):
        if cause.type == TaskIdTaken.__name__:
            return TaskIdTaken(cause.message)
        return InfrastructureError(cause.message)
    return InfrastructureError(f"the run did not end: {cause}")
