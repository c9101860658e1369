"""What a program learns of a run that it starts, resumes, cancels or follows, as a stream."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from forge_core.models.result import TaskResult
from forge_core.models.run import PendingActivity
from forge_core.models.task import ForgeTaskInput

INTERVAL_S = 1.0
"""Seconds without an event after which a stream gives a look at the run."""


@dataclass(frozen=True, slots=True)
class ServerConnected:
    """There is a connection to the server; the first event of every stream."""

    address: str
    embedded: bool
    """Whether it is the embedded server, whose runs are executed by this process."""
    ui_address: str | None
    """Where Temporal's web interface is, if the embedded server has one."""


@dataclass(frozen=True, slots=True)
class SubmissionStarted:
    """The run is submitted once the next event is asked for: from then on it may exist."""

    workflow_id: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run is under way."""

    workflow_id: str
    work: ForgeTaskInput
    executed_here: bool
    """Whether it rests when this stream is closed, so that it has to be resumed."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A look at the run, given whenever nothing else has happened for an interval."""

    pending: tuple[PendingActivity, ...]
    """What it waits for, about a second old at most; nothing where the server does not answer."""


@dataclass(frozen=True, slots=True)
class RunBlocked:
    """Something keeps the run from making progress that may pass, a full disk for example.

    Given once; if it does not pass in time, the stream ends with `RunStuck`.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class ServerAway:
    """The server is out of reach; given once, until it is back. The stream waits for it."""

    reason: str


@dataclass(frozen=True, slots=True)
class ServerRestarting:
    """The embedded server has ended, and is being started again."""


@dataclass(frozen=True, slots=True)
class CancellationRequested:
    """The run was told to stop, and cleans up."""

    workflow_id: str


@dataclass(frozen=True, slots=True)
class TerminationRequested:
    """The run cannot clean up, and is ended in Temporal."""

    reason: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run has ended and has a result, also where the task failed; the last event."""

    result: TaskResult


@dataclass(frozen=True, slots=True)
class BudgetReached:
    """The run has stopped at its budget and waits for a new limit; the last event, like an end.

    `resume_run` gives it one, `cancel_run` ends it.
    """

    result: TaskResult
    """What it has made so far, and in `budget_stop` why it has stopped."""


@dataclass(frozen=True, slots=True)
class RunStopped:
    """A cancelled run has ended; the last event of `cancel_run`."""

    work: ForgeTaskInput
    reason: str | None = None
    """Why it ended, where that was something else than the cancellation."""


@dataclass(frozen=True, slots=True)
class RunDetached:
    """The run is under way at another process; the last event of `start_detached_run`."""

    workflow_id: str
    log: Path | None
    """Output of the process that executes it; None where a configured server's worker does."""


RunEvent = (
    ServerConnected
    | SubmissionStarted
    | RunStarted
    | RunProgress
    | RunBlocked
    | ServerAway
    | ServerRestarting
    | CancellationRequested
    | TerminationRequested
    | RunFinished
    | BudgetReached
    | RunStopped
    | RunDetached
)

Emit = Callable[[RunEvent], None]
"""Takes what happens."""


class Events:
    """Events on their way from the work to whoever reads the stream."""

    def __init__(self) -> None:
        self._queue = asyncio.Queue[RunEvent | None]()
        self._progress: RunProgress | None = None

    def emit(self, event: RunEvent) -> None:
        """Pass an event on; of looks at the run only the last is kept."""
        if isinstance(event, RunProgress):
            self._progress = event
        else:
            self._queue.put_nowait(event)

    async def hand_over(self, event: RunEvent) -> None:
        """Pass an event on, and wait until its reader asks for the next."""
        self.emit(event)
        await self._queue.join()

    def close(self) -> None:
        """Let the stream end."""
        self._queue.put_nowait(None)

    async def read(self, interval_s: float) -> AsyncGenerator[RunEvent]:
        """Yield the events until they are closed."""
        while True:
            try:
                async with asyncio.timeout(interval_s):
                    event = await self._queue.get()
            except TimeoutError:
                if self._progress is not None:
                    yield self._progress
                continue
            if event is None:
                return
            yield event
            self._queue.task_done()


async def stream_events(
    work: Callable[[Events], Awaitable[RunEvent]], interval_s: float = INTERVAL_S
) -> AsyncGenerator[RunEvent]:
    """Do some work in a task of its own, and yield the events that it emits, then its last.

    The work is cancelled, and has ended, when the stream is closed or its reader cancelled.

    Raises:
        ForgeError: As the work does.
    """
    events = Events()
    task = asyncio.ensure_future(work(events))
    task.add_done_callback(lambda _: events.close())
    try:
        async for event in events.read(interval_s):
            yield event
        yield await task
    finally:
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
