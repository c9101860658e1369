"""Starting runs and reading how they ended."""

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, CancelledError

from forge_core.errors import ForgeError, InfrastructureError, TaskIdTaken
from forge_core.models.result import TaskResult
from forge_core.models.task import ForgeTaskInput
from forge_core.workflows.options import TASK_TIMEOUT
from forge_core.workflows.task import ForgeTaskWorkflow

RunHandle = WorkflowHandle[ForgeTaskWorkflow, TaskResult]
"""A started run."""

SUMMARY_LENGTH = 200
"""Characters of the description that Temporal shows beside a run."""


class RunCancelled(ForgeError):
    """The run was cancelled."""


async def start_run(
    client: Client, work: ForgeTaskInput, workflow_id: str, task_queue: str
) -> RunHandle:
    """Start a run under an id of its own."""
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
        InfrastructureError: It could not be carried out.
    """
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        raise _translate(error) from error


async def has_workers(client: Client, task_queue: str) -> bool:
    """Tell whether any worker polls a queue for workflows."""
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    return len(answer.pollers) > 0


def _translate(error: WorkflowFailureError) -> ForgeError:
    cause = error.cause
    if isinstance(cause, CancelledError):
        return RunCancelled("the run was cancelled")
    if isinstance(cause, ApplicationError):
        if cause.type == TaskIdTaken.__name__:
            return TaskIdTaken(cause.message)
        return InfrastructureError(cause.message)
    return InfrastructureError(f"the run did not end: {cause}")
