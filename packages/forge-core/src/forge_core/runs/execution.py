"""Starting, resuming and following runs as streams of events."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Coroutine
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

from temporalio.client import Client

from forge_core.activities.git import create_worktree
from forge_core.embedded_server.settings import ServerSettings
from forge_core.embedded_server.start import keep_server
from forge_core.errors import (
    GitFailed,
    RunEnded,
    RunRepeated,
    ServerUnavailable,
    TaskIdTaken,
    UnknownRun,
)
from forge_core.git.claim import check_claim
from forge_core.git.repository import read_claim
from forge_core.models.budget import BudgetStop, Limits
from forge_core.models.ids import build_workflow_id
from forge_core.models.result import TaskResult
from forge_core.models.task import ForgeTaskInput
from forge_core.runs.client import (
    AtBudget,
    describe_started,
    ensure_taken,
    reconcile_ended,
    submit_run,
    wait_for_result,
    wait_unless_stuck,
)
from forge_core.runs.connection import ServerConnection, connected
from forge_core.runs.events import (
    INTERVAL_S,
    BudgetReached,
    Emit,
    Events,
    RunEvent,
    RunFinished,
    RunStarted,
    ServerRestarting,
    SubmissionStarted,
    stream_events,
)
from forge_core.runs.limits import (
    build_stopped_result,
    check_new_limits,
    note_rest,
    own_stopped_run,
    read_partial_result,
    send_limits,
)
from forge_core.runs.ownership import confirm_run, find_owner, owned_run
from forge_core.temporal_client.executions import hasten, release
from forge_core.temporal_client.inspector import RunDescription
from forge_core.worker.worker import SHARED_QUEUE, WorkerLimits, running_worker

NO_LIMITS = Limits()

LIMITS = WorkerLimits(grace=timedelta(0))
"""A worker that is told to stop tells its activities at once: what they do can be done again."""


def start_run(
    work: ForgeTaskInput,
    workflow_id: str | None = None,
    *,
    temporal_address: str | None = None,
    interval_s: float = INTERVAL_S,
) -> AsyncGenerator[RunEvent]:
    """Start a run and follow it to its end.

    A run of the embedded server is executed by this process: closing the stream, or cancelling the
    task that reads it, interrupts the run, and `resume_run` goes on with it.

    Args:
        work: The task, as `resolve_run` gives it.
        workflow_id: The run's, as `make_workflow_id` gives it; None for a new one.
        temporal_address: Of a configured server; None leaves it to the environment, as
            ``forge run`` does.
        interval_s: Seconds without an event after which there is a look at the run.

    Returns:
        `ServerConnected`, `SubmissionStarted`, `RunStarted`, what happens, and `RunFinished`, or
        `BudgetReached` where the run has stopped at its budget.

    Raises:
        ForgeError: The run could not be carried out; a task that failed has a result.
    """
    name = workflow_id or make_workflow_id(work.task.task_id)

    async def begin(events: Events) -> RunEvent:
        async with connected(temporal_address, f"run {name}") as connection:
            with ExitStack() as stack:
                if connection.embedded is not None:
                    stack.enter_context(owned_run(connection.embedded.files, name))
                await events.hand_over(connection.describe())
                run = await submit(connection, work, name, events)
                return await _begin(connection, run, events)

    return stream_events(begin, interval_s)


def resume_run(
    workflow_id: str,
    *,
    limits: Limits = NO_LIMITS,
    temporal_address: str | None = None,
    interval_s: float = INTERVAL_S,
) -> AsyncGenerator[RunEvent]:
    """Go on with an interrupted run, or follow one that a configured server's worker executes.

    Nothing that was done is done again. The arguments and the stream are as in `start_run`, without
    `SubmissionStarted`.

    Args:
        workflow_id: The run's.
        limits: New ones, without which a run that has stopped at its budget stays as it is.
        temporal_address: Of a configured server; None leaves it to the environment.
        interval_s: Seconds without an event after which there is a look at the run.

    Raises:
        UsageError: The run cannot go on with these limits.
        UnknownRun: The server knows no such run.
        RunEnded: It has ended.
        RunOwned: A living process executes it.
        TaskIdTaken: What it had made was removed, so that it cannot go on.
        ForgeError: The run could not be carried out.
    """

    async def begin(events: Events) -> RunEvent:
        async with connected(temporal_address, f"resume {workflow_id}") as connection:
            await events.hand_over(connection.describe())
            run = await find_open_run(connection, workflow_id)
            if run.stop is not None and not limits.is_set:
                return await _describe_stopped(connection, run, run.stop)
            if limits.is_set:
                await asyncio.to_thread(check_new_limits, run, limits)
            with ExitStack() as stack:
                if connection.embedded is None:
                    await connection.require_workers()
                    await hasten(connection.client, workflow_id)
                else:
                    await own_stopped_run(connection.embedded.files, run, stack)
                    await _require_claim(connection, run)
                    await note_rest(connection.inspector, run)
                    await release(connection.client, workflow_id)
                if limits.is_set:
                    await send_limits(run, limits)
                return await _begin(connection, run, events)

    return stream_events(begin, interval_s)


def follow_run(
    workflow_id: str, *, temporal_address: str | None = None, interval_s: float = INTERVAL_S
) -> AsyncGenerator[RunEvent]:
    """Follow a run that another process executes; closing the stream changes nothing.

    The arguments and the stream are as in `start_run`, without `SubmissionStarted`. A run that has
    ended gives its result at once; one that nobody executes is waited for until it is resumed.

    Raises:
        UnknownRun: The server knows no such run.
        ForgeError: The run was cancelled, or could not be carried out.
    """

    async def follow(events: Events) -> RunEvent:
        async with connected(temporal_address, f"follow {workflow_id}") as connection:
            await events.hand_over(connection.describe())
            run = await _find_run(connection, workflow_id)
            if not run.is_open:
                return RunFinished(await wait_for_result(run.handle))
            if run.stop is not None:
                return await _describe_stopped(connection, run, run.stop)
            await events.hand_over(RunStarted(workflow_id, run.work, executed_here=False))
            return _conclude(await execute(connection, run, events.emit, here=False))

    return stream_events(follow, interval_s)


async def _describe_stopped(
    connection: ServerConnection, run: RunDescription, stop: BudgetStop
) -> BudgetReached:
    """Describe a run that has stopped; the worker is asked where there may be one."""
    embedded = connection.embedded
    if embedded is not None and find_owner(embedded.files, run.handle.id) is None:
        return BudgetReached(build_stopped_result(run, stop))
    return BudgetReached(await read_partial_result(run, stop))


def make_workflow_id(task_id: str) -> str:
    """Return the workflow id of a new run of a task."""
    return build_workflow_id(task_id, secrets.token_hex(4))


async def submit(
    connection: ServerConnection, work: ForgeTaskInput, workflow_id: str, events: Events
) -> RunDescription:
    """Submit a run once the reader knows of it, and see that a configured server's worker has it.

    Raises:
        ServerUnavailable: The server or its workers do not take it.
    """
    await connection.require_workers()
    await events.hand_over(SubmissionStarted(workflow_id))
    queue = SHARED_QUEUE if connection.embedded is None else _make_queue()
    handle = await submit_run(connection.client, work, workflow_id, queue)
    if connection.embedded is None:
        await ensure_taken(connection.client, handle)
    return describe_started(handle, work, queue)


async def find_open_run(connection: ServerConnection, workflow_id: str) -> RunDescription:
    """Return a run that has not ended.

    Raises:
        UnknownRun: The server knows no such run.
        RunEnded: It has ended; where that is not on record yet, it is now.
    """
    run = await _find_run(connection, workflow_id)
    if not run.is_open:
        with suppress(RunRepeated):
            if connection.embedded is not None:
                confirm_run(connection.embedded.files, workflow_id, run.run_id)
            await reconcile_ended(connection.client, run)
        raise RunEnded(
            f"run {workflow_id} has ended ({run.ending}): see forge status {workflow_id}"
        )
    return run


async def execute(
    connection: ServerConnection,
    run: RunDescription,
    emit: Emit,
    *,
    here: bool,
    to_the_end: bool = False,
) -> TaskResult:
    """Wait for a run's end, or until it stops once more at its budget.

    Args:
        connection: To its server.
        run: The run.
        emit: Called with what happens.
        here: Execute it, and keep the embedded server alive meanwhile.
        to_the_end: Wait even if it stops at its budget.

    Returns:
        The result; where the run has stopped, what there is of it, with the status `budget`.

    Raises:
        RunRepeated: It is not the run that was executed under its id before.
        ServerUnavailable: The server is lost for good.
        ForgeError: As `wait_unless_stuck` has it.
    """
    client, embedded = connection.client, connection.embedded
    if embedded is None or not here:
        return await _wait(client, run, emit, to_the_end=to_the_end)
    confirm_run(embedded.files, run.handle.id, run.run_id)
    async with running_worker(client, run.task_queue, only=run.key, limits=LIMITS) as worker:
        await worker.adopt(run.key, run.work)
        keeping = _keep_server(embedded, connection.address, run.handle.id, emit)
        return await _wait(client, run, emit, keeping, to_the_end=to_the_end)


async def _wait(
    client: Client,
    run: RunDescription,
    emit: Emit,
    *guards: Coroutine[Any, Any, NoReturn],
    to_the_end: bool,
) -> TaskResult:
    stops = 0 if run.stop is None else run.stop.number
    if to_the_end:
        return await wait_unless_stuck(client, run.handle, emit, *guards)
    try:
        return await wait_unless_stuck(client, run.handle, emit, *guards, stops=stops)
    except AtBudget as reached:
        return await read_partial_result(run, reached.stop)


def describe_ways(workflow_id: str) -> str:
    """Describe how an interrupted run continues."""
    return f"forge resume {workflow_id} continues it, forge cancel {workflow_id} ends it"


async def _begin(
    connection: ServerConnection, run: RunDescription, events: Events
) -> RunFinished | BudgetReached:
    here = connection.embedded is not None
    await events.hand_over(RunStarted(run.handle.id, run.work, executed_here=here))
    return _conclude(await execute(connection, run, events.emit, here=here))


def _conclude(result: TaskResult) -> RunFinished | BudgetReached:
    return BudgetReached(result) if result.status == "budget" else RunFinished(result)


async def _find_run(connection: ServerConnection, workflow_id: str) -> RunDescription:
    run = await connection.inspector.find_run(workflow_id)
    if run is None:
        server = "the embedded server" if connection.embedded else "the configured server"
        raise UnknownRun(f"{server} knows no run {workflow_id!r}")
    return run


async def _require_claim(connection: ServerConnection, run: RunDescription) -> None:
    """Check that a run of this machine still has the task id that it claimed, if it claimed one.

    Raises:
        TaskIdTaken: Its claim was removed, and perhaps another run has the id by now.
    """
    repo, task_id = Path(run.work.repo_root), run.work.task.task_id
    try:
        if read_claim(repo, task_id) is not None or await connection.inspector.has_completed(
            run, create_worktree.__name__
        ):
            check_claim(repo, task_id, run.handle.id)
    except TaskIdTaken as error:
        raise TaskIdTaken(f"{error}: forge cancel {run.handle.id} ends it") from error
    except GitFailed:  # the repository is gone: the run itself says so
        return


async def _keep_server(
    embedded: ServerSettings, address: str, workflow_id: str, emit: Emit
) -> NoReturn:
    """Start the server again whenever it ends; if it cannot be, say what becomes of the run."""
    try:
        await keep_server(embedded, address, lambda: emit(ServerRestarting()))
    except ServerUnavailable as error:
        reason = f"{error}; run {workflow_id} is interrupted: {describe_ways(workflow_id)}"
        raise ServerUnavailable(reason) from error


def _make_queue() -> str:
    """Return the name of the task queue of one run.

    The embedded server has no authentication: the name is a secret, so that nobody else can hand
    work to the run's worker.
    """
    return f"forge-{secrets.token_hex(16)}"
