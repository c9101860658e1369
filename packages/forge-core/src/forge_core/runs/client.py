"""Submitting a run to the server and waiting for its end."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, NoReturn

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, CancelledError, TerminatedError
from temporalio.service import RPCError, RPCStatusCode

from forge_core.errors import (
    ForgeError,
    InfrastructureError,
    RunCancelled,
    RunStuck,
    RunTerminated,
    ServerUnavailable,
    TaskIdTaken,
    UsageError,
)
from forge_core.models.budget import BudgetStop
from forge_core.models.result import RunStatus, TaskResult
from forge_core.models.task import ForgeTaskInput
from forge_core.records.run_record import reconcile_run, record_run
from forge_core.runs.events import Emit, RunBlocked, RunProgress, ServerAway
from forge_core.temporal_client.executions import TERMINATION_REASON, server_request
from forge_core.temporal_client.inspector import RunDescription, RunHandle, RunInspector
from forge_core.temporal_client.payload_size import ensure_transferable, get_limit
from forge_core.temporal_client.pending_activities import RunLook, lacks_store
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

TAKEN_TIMEOUT_S = 10.0
"""Seconds within which a living worker begins with a run; it takes milliseconds."""

TAKEN_INTERVAL_S = 0.1

LOOK_INTERVAL_S = 1.0
"""Seconds between two looks at a run."""

LOOK_TIMEOUT_S = 5.0
"""Seconds that the server gets for an answer, before what it said last is out of date."""

PATIENCE_S = 30.0
"""Seconds that somebody gets to make room on a full disk."""

SUMMARY_LENGTH = 200
"""Characters of the description that Temporal shows beside a run."""


async def submit_run(
    client: Client, work: ForgeTaskInput, workflow_id: str, task_queue: str
) -> RunHandle:
    """Submit a run under an id of its own.

    Raises:
        UsageError: The task's texts are too large to be submitted.
        ServerUnavailable: The server does not take it.
    """
    try:
        work = ensure_transferable(work, "the task", get_limit(client.data_converter))
    except ApplicationError as error:
        raise UsageError(error.message) from error
    with server_request("start the run"):
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


def describe_started(handle: RunHandle, work: ForgeTaskInput, task_queue: str) -> RunDescription:
    """Describe a run that was started just now, without asking the server."""
    run_id = handle.first_execution_run_id or ""
    return RunDescription(handle, run_id, task_queue, work, WorkflowExecutionStatus.RUNNING)


async def ensure_taken(
    client: Client, handle: WorkflowHandle[Any, Any], timeout_s: float | None = None
) -> None:
    """Wait until a worker has begun with a run that was just started; else withdraw the run.

    Raises:
        ServerUnavailable: No worker took it in time, or the server does not answer.
    """
    timeout_s = TAKEN_TIMEOUT_S if timeout_s is None else timeout_s
    inspector = RunInspector(client)
    try:
        async with asyncio.timeout(timeout_s):
            while not await inspector.is_taken(handle):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(TAKEN_INTERVAL_S)
    except TimeoutError as error:
        with server_request(f"withdraw run {handle.id}, which no worker took"):
            await handle.terminate("no worker took it")
        raise ServerUnavailable(
            f"no worker took the run within {timeout_s:g} s, so it was withdrawn: "
            "start one with `forge worker`"
        ) from error


async def reconcile_ended(
    client: Client, run: RunDescription, result: TaskResult | None = None
) -> None:
    """Put on record how a run ended, where that was from outside or its record was lost.

    Args:
        client: A connection.
        run: The run.
        result: What is known of its result, to which its end is added.

    Raises:
        ServerUnavailable: The server does not answer.
    """
    await reconcile_run(client, run.key, result)
    if run.status == WorkflowExecutionStatus.COMPLETED:
        with suppress(ForgeError):
            final = await wait_for_result(run.handle)
            await record_run(run.key, final.status, final)
    elif run.status in FAILURES:
        await record_run(run.key, FAILURES[run.status], result)


async def wait_for_result(handle: RunHandle, emit: Emit | None = None) -> TaskResult:
    """Wait until a run ends and return its result, also when the task failed.

    Args:
        handle: The run.
        emit: Called once whenever the server is unreachable; the wait continues.

    Raises:
        RunCancelled: It was cancelled.
        RunTerminated: It was ended from outside.
        TaskIdTaken: Another run took the task's id first.
        ServerUnavailable: The server does not answer; without `emit` also if it is away.
        InfrastructureError: It could not be carried out.
    """
    away = False
    while True:
        try:
            return await handle.result()
        except WorkflowFailureError as error:
            raise _translate(error) from error
        except RPCError as error:
            if emit is None or error.status in REFUSALS:
                reason = f"the Temporal server does not say how the run ends: {error.message}"
                raise ServerUnavailable(reason) from error
            if not away:
                emit(ServerAway(error.message))
            away = True
            await asyncio.sleep(AWAY_INTERVAL_S)


async def wait_unless_stuck(
    client: Client,
    handle: RunHandle,
    emit: Emit,
    *guards: Coroutine[Any, Any, NoReturn],
    stops: int | None = None,
) -> TaskResult:
    """Wait for a run's end as `wait_for_result` does, but no longer once it cannot go on.

    Args:
        client: A connection.
        handle: The run.
        emit: Called with what happens.
        guards: What else ends the waiting if it fails.
        stops: How many times the run had stopped at its budget before; None to wait even then.

    Raises:
        AtBudget: The run has stopped once more.
        RunStuck: The run cannot go on; the message says why.
        ForgeError: As `wait_for_result` and the guards have it.
    """
    result = asyncio.ensure_future(wait_for_result(handle, emit))
    watching = watch(client, handle.id, emit, stops=stops)
    guarding = [asyncio.ensure_future(guard) for guard in (watching, *guards)]
    try:
        await asyncio.wait([result, *guarding], return_when=asyncio.FIRST_COMPLETED)
        if not result.done():
            for guard in guarding:
                if guard.done():
                    guard.result()
        return await result
    except (RuntimeError, ValueError) as error:
        if not lacks_store(str(error)):
            raise
        raise InfrastructureError(
            f"run {handle.id} has ended, but its result is in a payload store that this command "
            "does not have: set FORGE_PAYLOAD_STORE as its worker has it"
        ) from error
    finally:
        for task in (result, *guarding):
            task.cancel()


class AtBudget(Exception):
    """A run has stopped at its budget, and waits for a new limit."""

    def __init__(self, stop: BudgetStop) -> None:
        super().__init__(stop.limit)
        self.stop = stop


async def watch(
    client: Client,
    workflow_id: str,
    emit: Emit,
    patience_s: float = PATIENCE_S,
    *,
    stops: int | None = None,
) -> NoReturn:
    """Look at a run and its sub-tasks now and then, until cancelled or the run is stuck.

    A server that does not answer is no cause: who waits for the result is informed.

    Args:
        client: A connection.
        workflow_id: The run's.
        emit: Called with each look, and once with whatever blocks the run but may pass.
        patience_s: Seconds that such a cause gets to pass.
        stops: How many times the run had stopped at its budget before; None to look on even then.

    Raises:
        AtBudget: The run has stopped once more.
        RunStuck: The run cannot make progress; the message says why.
    """
    blocked_since, reported = None, False
    while True:
        look = await _look(client, workflow_id)
        emit(RunProgress(look.pending if look is not None else ()))
        stop = look.stop if look is not None else None
        if stop is not None and stops is not None and stop.number > stops:
            raise AtBudget(stop)
        if look is not None and look.cause is None:
            blocked_since, reported = None, False
        elif look is not None and look.cause is not None:
            if not look.cause.may_pass:
                raise RunStuck(look.cause.explain(workflow_id))
            if blocked_since is None:  # It may be the last word of an attempt before room was made.
                blocked_since = time.monotonic()
            else:
                if not reported:
                    emit(RunBlocked(look.cause.reason))
                    reported = True
                if time.monotonic() - blocked_since > patience_s:
                    raise RunStuck(look.cause.explain(workflow_id))
        await asyncio.sleep(LOOK_INTERVAL_S)


async def _look(client: Client, workflow_id: str) -> RunLook | None:
    try:
        async with asyncio.timeout(LOOK_TIMEOUT_S):
            return await RunInspector(client).look(workflow_id)
    except (ServerUnavailable, TimeoutError):
        return None


def _translate(error: WorkflowFailureError) -> ForgeError:
    cause = error.cause
    if isinstance(cause, TerminatedError) and cause.message == TERMINATION_REASON:
        return RunCancelled(f"the run was {TERMINATION_REASON}")
    if isinstance(cause, TerminatedError):
        return RunTerminated("the run was terminated in Temporal")
    if isinstance(cause, CancelledError):
        return RunCancelled("the run was cancelled")
    if isinstance(cause, ApplicationError):
        if cause.type == TaskIdTaken.__name__:
            return TaskIdTaken(cause.message)
        return InfrastructureError(cause.message)
    return InfrastructureError(f"the run did not end: {cause}")
