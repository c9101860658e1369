"""Requests under way in this process: a later attempt joins one instead of sending it again.

Two attempts of one activity overlap whenever the server has not heard of the first for too long
and both are alive: a machine that slept, a process that was stopped, a clock that jumped. A request
belongs to the process, not to the attempt that sent it: it goes on while that attempt is told to
end, and the next one waits for the same answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache

from forge_core.llm.arrival import Arrival
from forge_core.llm.errors import ModelFailure
from forge_core.records.answer_journal import AnswerKey, KeptAnswer

GRACE_S = 60
"""Seconds that a request goes on while no attempt waits for it; the next comes within half of it.

They are counted one by one, so that the time for which the process is stopped is not among them.
"""

Send = Callable[[Arrival], Awaitable[KeptAnswer]]
"""Gets the answer, tells of what arrives of it, and keeps it."""

Report = Callable[[ModelFailure], Awaitable[None]]
"""Puts on record why there is no answer."""


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """What tells the row of the attempt that sends a request from those of other attempts."""

    activity_attempt: int
    trace_id: str | None = None
    span_id: str | None = None
    seq: int = 0
    """Number of the request within its call."""


@dataclass(eq=False, slots=True)
class Flight:
    """A request under way."""

    row: AttemptRow
    """Of the attempt that sent it."""
    task: "asyncio.Task[KeptAnswer]" = field(init=False)
    arrival: Arrival = field(default_factory=Arrival)
    """What has come of the answer."""
    waiting: int = 0
    """Attempts that wait for the answer."""
    is_dropped: bool = False
    """Whether an attempt said that the answer is not wanted any more."""


class RequestsInFlight:
    """The requests of one process, by the key of their answers."""

    def __init__(self) -> None:
        self._flights: dict[AnswerKey, Flight] = {}
        self._orphans: set[asyncio.Task[None]] = set()

    def join(self, key: AnswerKey, row: AttemptRow, send: Send, report: Report) -> Flight:
        """Find the request that is under way, or send it.

        Args:
            key: Which request it is.
            row: Of the attempt that asks.
            send: Gets the answer.
            report: Told of a failure that no attempt waits for.
        """
        flight = self._flights.get(key)
        if flight is None or flight.is_dropped or not _is_under_way(flight.task):
            flight = self._flights[key] = Flight(row)
            flight.task = asyncio.create_task(self._send(key, flight, send, report))
        return flight

    async def wait(self, flight: Flight, is_dropped: Callable[[], bool]) -> KeptAnswer:
        """Wait for an answer; whoever is cancelled while waiting leaves it to the others.

        Args:
            flight: The request.
            is_dropped: Tells, once the wait is cancelled, whether nobody will want the answer. The
                request ends with the last attempt then, else only if no other one comes.
        """
        flight.waiting += 1
        try:
            await asyncio.wait([flight.task])
        except asyncio.CancelledError:
            flight.is_dropped |= is_dropped()
            raise
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                await self._leave(flight)
        return flight.task.result()

    async def _leave(self, flight: Flight) -> None:
        if flight.is_dropped:
            flight.task.cancel()
            await asyncio.wait([flight.task])
            return
        orphan = asyncio.create_task(_end_unless_joined(flight))
        self._orphans.add(orphan)
        orphan.add_done_callback(self._orphans.discard)

    async def _send(self, key: AnswerKey, flight: Flight, send: Send, report: Report) -> KeptAnswer:
        try:
            return await send(flight.arrival)
        except ModelFailure as failure:
            if not flight.waiting:
                await report(failure)
            raise
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]


async def _end_unless_joined(flight: Flight) -> None:
    for _ in range(GRACE_S):
        await asyncio.wait([flight.task], timeout=1)
        if flight.waiting or flight.task.done():
            break
    else:
        flight.task.cancel()
    if flight.task.done() and not flight.task.cancelled():
        flight.task.exception()  # it was reported: nobody is to be warned


def _is_under_way(task: "asyncio.Task[KeptAnswer]") -> bool:
    return not task.done() and task.get_loop() is asyncio.get_running_loop()


@cache
def get_requests_in_flight() -> RequestsInFlight:
    """Return those of this process."""
    return RequestsInFlight()
