"""From work that emits events to a stream of them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress

from forge_core.runs.events import RunEvent, RunProgress

INTERVAL_S = 1.0
"""Seconds without an event after which a stream gives a look at the run."""


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
