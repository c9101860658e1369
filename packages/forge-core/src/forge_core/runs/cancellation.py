"""Cancelling runs.

See D84.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack
from datetime import timedelta

from forge_core.errors import (
    NotCancelled,
    RunCancelled,
    RunOwned,
    RunRepeated,
    RunStuck,
    TaskIdTaken,
)
from forge_core.models.result import TaskResult
from forge_core.runs.client import reconcile_ended
from forge_core.runs.connection import ServerConnection, connected
from forge_core.runs.events import (
    INTERVAL_S,
    CancellationRequested,
    Events,
    RunEvent,
    RunStopped,
    TerminationRequested,
    stream_events,
)
from forge_core.runs.execution import execute, find_open_run
from forge_core.runs.ownership import owned_run
from forge_core.temporal_client.executions import cancel, release, server_request, terminate
from forge_core.temporal_client.inspector import RunDescription

HELD_BACK = timedelta(minutes=5)
"""Delay of the activities of a dead worker, so that none begins anew before it is cancelled."""

END_TIMEOUT_S = 60.0
"""Seconds within which a cancelled run has cleaned up."""

ReadResult = Callable[[str, str], TaskResult | None]
"""Reads what is on record of a run's result, by workflow and task id; None where nothing is."""


def cancel_run(
    workflow_id: str,
    *,
    temporal_address: str | None = None,
    read_result: ReadResult = lambda *_: None,
    interval_s: float = INTERVAL_S,
) -> AsyncGenerator[RunEvent]:
    """Cancel a run and wait until it has cleaned up, executing it here if nobody does.

    Args:
        workflow_id: The run's.
        temporal_address: Of a configured server; None leaves it to the environment.
        read_result: Where the run cannot put its end on record itself, that is added to this.
        interval_s: Seconds without an event after which there is a look at the run.

    Returns:
        `ServerConnected`, `CancellationRequested`, what happens, and `RunStopped`.

    Raises:
        UnknownRun: The server knows no such run.
        RunEnded: It has ended.
        NotCancelled: It ended otherwise before the cancellation reached it, or not in time.
        ForgeError: The server cannot be used.
    """

    async def begin(events: Events) -> RunEvent:
        async with connected(temporal_address, f"cancel {workflow_id}") as connection:
            await events.hand_over(connection.describe())
            run = await find_open_run(connection, workflow_id)
            with ExitStack() as stack:
                executes = _take(connection, workflow_id, stack)
                if executes:
                    # The server would keep the request for the dead worker, which has it cached.
                    await release(connection.client, workflow_id, HELD_BACK)
                    await cancel(connection.client, workflow_id)
                else:
                    with server_request("cancel the run"):
                        await run.handle.cancel()
                events.emit(CancellationRequested(workflow_id))
                try:
                    result = await _wait(connection, run, events, executes=executes)
                except RunStuck as stuck:
                    events.emit(TerminationRequested(str(stuck)))
                    await terminate(connection.client, workflow_id)
                    recorded = read_result(workflow_id, run.work.task.task_id)
                    await reconcile_ended(connection.client, run, recorded)
                    return RunStopped(run.work)
                except RunRepeated:
                    await terminate(connection.client, workflow_id)
                    return RunStopped(run.work)
                except RunCancelled:
                    return RunStopped(run.work)
                except TaskIdTaken as lost:  # an activity that waited for its turn was quicker
                    return RunStopped(run.work, str(lost))
        raise NotCancelled(
            f"run {workflow_id} had ended before it could be cancelled: {result.status}"
        )

    return stream_events(begin, interval_s)


def _take(connection: ServerConnection, workflow_id: str, stack: ExitStack) -> bool:
    """Own a run of the embedded server until the stack ends, unless a living process does."""
    if connection.embedded is None:
        return False
    try:
        stack.enter_context(owned_run(connection.embedded.files, workflow_id))
    except RunOwned:
        return False
    return True


async def _wait(
    connection: ServerConnection, run: RunDescription, events: Events, *, executes: bool
) -> TaskResult:
    try:
        async with asyncio.timeout(END_TIMEOUT_S):
            return await execute(connection, run, events.emit, here=executes, to_the_end=True)
    except TimeoutError:
        raise NotCancelled(
            f"run {run.handle.id} was told to stop and has not stopped within "
            f"{END_TIMEOUT_S:.0f} s: forge status {run.handle.id}"
        ) from None
