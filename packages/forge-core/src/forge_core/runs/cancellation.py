"""Cancelling runs."""

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
from forge_core.runs.client import reconcile_ended, wait_unless_stuck
from forge_core.runs.connection import EmbeddedServer, ServerConnection, connected
from forge_core.runs.events import (
    CancellationRequested,
    RunEvent,
    RunStopped,
    TerminationRequested,
)
from forge_core.runs.execution import execute_here, find_open_run
from forge_core.runs.ownership import owned_run
from forge_core.runs.stream import INTERVAL_S, Events, stream_events
from forge_core.temporal_client.executions import release, server_request, terminate
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

    async def cancel(events: Events) -> RunEvent:
        async with connected(temporal_address, f"cancel {workflow_id}") as connection:
            await events.hand_over(connection.describe())
            run = await find_open_run(connection, workflow_id)
            return await _Cancellation(connection, run, events, read_result).carry_out()

    return stream_events(cancel, interval_s)


class _Cancellation:
    """The cancellation of one run."""

    def __init__(
        self,
        connection: ServerConnection,
        run: RunDescription,
        events: Events,
        read_result: ReadResult,
    ) -> None:
        self._connection = connection
        self._client = connection.client
        self._run = run
        self._events = events
        self._read_result = read_result

    async def carry_out(self) -> RunStopped:
        embedded = self._connection.embedded
        with ExitStack() as stack:
            if embedded is None or not self._take(embedded, stack):
                await self._request()
                return await self._wait(None)
            # First: the server would keep the request for the dead worker, which has it cached.
            await release(self._client, self._run.handle.id, HELD_BACK)
            await self._request()
            try:
                return await self._wait(embedded)
            except RunRepeated:
                await terminate(self._client, self._run.handle.id)
                return RunStopped(self._run.work)

    def _take(self, embedded: EmbeddedServer, stack: ExitStack) -> bool:
        """Own the run until the stack ends, unless a living process does."""
        try:
            stack.enter_context(owned_run(embedded.files, self._run.handle.id))
        except RunOwned:
            return False
        return True

    async def _request(self) -> None:
        with server_request("cancel the run"):
            await self._run.handle.cancel()
        self._events.tell(CancellationRequested(self._run.handle.id))

    async def _wait(self, embedded: EmbeddedServer | None) -> RunStopped:
        """Wait until the run has ended; one that cannot go on is ended in Temporal."""
        workflow_id = self._run.handle.id
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                result = await self._follow(embedded)
        except RunCancelled:
            return RunStopped(self._run.work)
        except TaskIdTaken as lost:  # an activity that had waited to be tried again was quicker
            return RunStopped(self._run.work, str(lost))
        except RunStuck as stuck:
            self._events.tell(TerminationRequested(str(stuck)))
            await terminate(self._client, workflow_id)
            recorded = self._read_result(workflow_id, self._run.work.task.task_id)
            await reconcile_ended(self._client, self._run, recorded)
            return RunStopped(self._run.work)
        except TimeoutError:
            raise NotCancelled(
                f"run {workflow_id} was told to stop and has not stopped within "
                f"{END_TIMEOUT_S:.0f} s: forge status --workflow-id {workflow_id}"
            ) from None
        raise NotCancelled(
            f"run {workflow_id} had ended before it could be cancelled: {result.status}"
        )

    async def _follow(self, embedded: EmbeddedServer | None) -> TaskResult:
        tell = self._events.tell
        if embedded is None:
            return await wait_unless_stuck(self._client, self._run.handle, tell)
        return await execute_here(self._connection, embedded, self._run, tell)
