"""Reading the body of a request: bounded in size, in time, and beside all others that are held."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from forge_cli.receiver.limits import Limits, Room
from forge_cli.receiver.refusal import Refusal, build_busy, build_too_large, build_too_slow

Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]
"""Gives the next message of a request, as ASGI has it."""

RETRY_S: Final = 1
"""Seconds after which a sender may try again what had no room."""

DRAIN_S: Final = 5.0
"""How long a refused sender may go on before its connection is closed.

Most senders read an answer only when they have sent everything; closed before, they would see
a broken connection instead of the reason, and try again.
"""


class SenderGone(Exception):
    """Nobody waits for the answer any more."""


class BodyStream:
    """The body of one request as it comes.

    Args:
        receive: Of the request.
        part_s: How long it may stand still, in seconds.
    """

    def __init__(self, receive: Receive, part_s: float) -> None:
        self._receive = receive
        self._part_s = part_s
        self.is_complete = False

    async def list_parts(self) -> AsyncIterator[bytes]:
        """Yield what comes until all of it has.

        Raises:
            SenderGone: It ended before its time.
            TimeoutError: It stands still.
        """
        while not self.is_complete:
            async with asyncio.timeout(self._part_s):
                message = await self._receive()
            if message["type"] != "http.request":
                raise SenderGone
            self.is_complete = not message.get("more_body", False)
            yield message.get("body", b"")

    async def discard(self, most_bytes: int) -> bool:
        """Read what is left and forget it, for a while; False where that is more than a size."""
        try:
            async with asyncio.timeout(DRAIN_S):
                async for part in self.list_parts():
                    most_bytes -= len(part)
                    if most_bytes < 0:
                        return False
        except TimeoutError:
            pass
        return True


@dataclass(eq=False, slots=True)
class _Arrival:
    """A body that is on its way.

    Attributes:
        began: When its head was there, by the clock of the event loop, in seconds.
        deadline: What ends it.
        yields: Whether it ends because others want its room.
    """

    began: float
    deadline: asyncio.Timeout
    body: bytearray = field(repr=False)
    yields: bool = False

    def rate(self, now: float) -> float:
        """Return how many bytes a second came."""
        return len(self.body) / max(now - self.began, 1e-6)


class BodyReader:
    """Reads bodies of many requests.

    Where there is no room for one more, the slowest of those that are on their way for a while
    makes room for the next: else a few slow senders would keep out all others.

    Args:
        limits: How large and how slow they may be.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._room = Room(limits)
        self._arrivals: dict[_Arrival, None] = {}

    @asynccontextmanager
    async def reading(self, stream: BodyStream, length: int | None) -> AsyncIterator[bytearray]:
        """Yield a whole body, which is held until the block ends.

        Args:
            stream: The body as it comes.
            length: As the head of its request tells it; None where that tells none.

        Raises:
            Refusal: It is too large or too slow, or there is no room now.
            SenderGone: It ended before its time.
        """
        if (length or 0) > self._limits.body_bytes:
            raise build_too_large("as it was sent", self._limits.body_bytes)
        if not self._room.has(length or 1):
            self._end_slowest()
            raise _build_no_room()
        body = bytearray()
        self._room.held_bodies += 1
        try:
            await self._fill(body, stream)
            yield body
        finally:
            self._room.held_bodies -= 1
            self._room.held_bytes -= len(body)

    async def _fill(self, body: bytearray, stream: BodyStream) -> None:
        deadline = asyncio.timeout(self._limits.body_s)
        arrival = _Arrival(asyncio.get_running_loop().time(), deadline, body)
        try:
            async with deadline:
                self._arrivals[arrival] = None
                async for part in stream.list_parts():
                    self._append(body, part)
        except TimeoutError:
            if arrival.yields:
                raise _build_no_room() from None
            raise build_too_slow() from None
        finally:
            self._arrivals.pop(arrival, None)

    def _end_slowest(self) -> None:
        """End the slowest arrival that had its time, which may send again as well."""
        now = asyncio.get_running_loop().time()
        slow = [a for a in self._arrivals if now - a.began >= self._limits.fair_s]
        if slow:
            slowest = min(slow, key=lambda arrival: arrival.rate(now))
            del self._arrivals[slowest]
            if not slowest.deadline.expired():
                slowest.yields = True
                slowest.deadline.reschedule(now)

    def _append(self, body: bytearray, part: bytes) -> None:
        if len(body) + len(part) > self._limits.body_bytes:
            raise build_too_large("as it was sent", self._limits.body_bytes)
        if not self._room.grow(len(part)):
            raise _build_no_room()
        body += part


def _build_no_room() -> Refusal:
    return build_busy("too many bodies at a time: send again in a moment", RETRY_S)
