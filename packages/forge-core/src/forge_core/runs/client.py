"""Starting runs and reading how they ended."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, CancelledError, TerminatedError
from temporalio.service import RPCError, RPCStatusCode

from forge_core.activities.git import create_worktree
from forge_core.errors import (
    ForgeError,
    InfrastructureError,
    RunCancelled,
    RunTerminated,
    ServerUnavailable,
    TaskIdTaken,
    UsageError,
)
from forge_core.models.result import RunStatus, TaskResult
from forge_core.models.task import ForgeTaskInput
from forge_core.records.run_record import reconcile_run, record_run
from forge_core.temporal_client.executions import GIVEN_UP
from forge_core.temporal_client.inspector import (
    FoundRun,
    RunHandle,
    translating_unavailability,
)
from forge_core.temporal_client.payload_size import ensure_transferable, get_limit
from forge_core.workflows.options import TASK_TIMEOUT
from forge_core.workflows.task import ForgeTaskWorkflow

REFUSALS = (
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.UNIMPLEMENTED,
)
"""What a server answers that is there; a torn connection has several words, `UNKNOWN` too."""

FAILURES: dict[WorkflowExecutionStatus, RunStatus] = {
    WorkflowExecutionStatus.FAILED: "error",
    WorkflowExecutionStatus.CANCELED: "cancelled",
}
"""Ends of a run that leave no result, and how they are shown."""

AWAY_INTERVAL_S = 1.0
"""Seconds between two questions to a server that is away; the client tries for longer itself."""

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
    with translating_unavailability("does not start the run"):
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


def describe_started(handle: RunHandle, work: ForgeTaskInput, task_queue: str) -> FoundRun:
    """Describe a run that was started just now, without asking the server."""
    run_id = handle.first_execution_run_id or ""
    return FoundRun(handle, run_id, task_queue, work, WorkflowExecutionStatus.RUNNING)


async def has_worktree(found: FoundRun) -> bool:
    """Tell whether a run has made its worktree, as far as its history says.

    Raises:
        ServerUnavailable: The server does not tell.
    """
    asked: set[int] = set()
    with translating_unavailability("does not tell how far the run has come"):
        async for event in found.handle.fetch_history_events():
            scheduled = event.activity_task_scheduled_event_attributes
            if scheduled.activity_type.name == create_worktree.__name__:
                asked.add(event.event_id)
            if event.activity_task_completed_event_attributes.scheduled_event_id in asked:
                return True
    return False


async def reconcile_ended(client: Client, found: FoundRun, known: TaskResult | None = None) -> None:
    """Put on record how a run ended, where that was from outside or its record was lost.

    Args:
        client: A connection.
        found: The run.
        known: What is known of its result, to which its end is added.

    Raises:
        ServerUnavailable: The server does not tell.
    """
    with translating_unavailability("does not tell how the run ended"):
        await reconcile_run(client, found.key, known)
    if found.status == WorkflowExecutionStatus.COMPLETED:
        with suppress(ForgeError):
            result = await wait_for_result(found.handle)
            await record_run(found.key, result.status, result)
    elif found.status in FAILURES:
        await record_run(found.key, FAILURES[found.status], known)


async def wait_for_result(
    handle: RunHandle, on_away: Callable[[str], None] | None = None
) -> TaskResult:
    """Wait until a run ends and return its result, also when the task failed.

    Args:
        handle: The run.
        on_away: Told once why, whenever the server is out of reach; the wait goes on.

    Raises:
        RunCancelled: It was cancelled.
        RunTerminated: It was ended from outside.
        TaskIdTaken: Another run took the task's id first.
        ServerUnavailable: The server does not tell; without `on_away` also if it is away.
        InfrastructureError: It could not be carried out.
    """
    away = False
    while True:
        try:
            return await handle.result()
        except WorkflowFailureError as error:
            raise _translate(error) from error
        except RPCError as error:
            if on_away is None or error.status in REFUSALS:
                reason = f"the Temporal server does not tell how the run stands: {error.message}"
                raise ServerUnavailable(reason) from error
            if not away:
                on_away(error.message)
            away = True
            await asyncio.sleep(AWAY_INTERVAL_S)


def _translate(error: WorkflowFailureError) -> ForgeError:
    cause = error.cause
    if isinstance(cause, TerminatedError) and cause.message == GIVEN_UP:
        return RunCancelled(f"the run was {GIVEN_UP}")
    if isinstance(cause, TerminatedError):
        return RunTerminated("the run was terminated in Temporal")
    if isinstance(cause, CancelledError):
        return RunCancelled("the run was cancelled")
    if isinstance(cause, ApplicationError):
        if cause.type == TaskIdTaken.__name__:
            return TaskIdTaken(cause.message)
        return InfrastructureError(cause.message)
    return InfrastructureError(f"the run did not end: {cause}")
