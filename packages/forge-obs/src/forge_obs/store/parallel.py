"""Reading ranges of ids by several connections at once.

SQLite leaves Python's lock alone while it executes a statement, so that threads read side by side.
Each range is one short statement, whoever executes it: a call is in one range, and is read once,
as it is then. See D100.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from sqlalchemy import Connection, Engine

from forge_obs.store.call_scope import Ranges, time_read
from forge_obs.store.queries import reading

if TYPE_CHECKING:
    from concurrent.futures import Future

MOST_READERS: Final = 4

WORTHWHILE: Final = 20_000
"""How many ids have to be read before it takes several."""

_AHEAD: Final = 2
"""How many ranges each reads before somebody takes what it read."""

Result = TypeVar("Result")

Read: TypeAlias = Callable[[int, int], Result]
"""Reads the calls from one id to another."""


def read_ranges_by_several(
    engine: Engine,
    connection: Connection,
    ranges: Ranges,
    open_read: Callable[[Connection], Read[Result]],
) -> Iterator[Result]:
    """Read all calls from the newest to the oldest, by as many threads as are worthwhile.

    Args:
        engine: Opens their connections.
        connection: Of a read.
        ranges: Those of the calls.
        open_read: Prepares to read ranges by a connection.
    """
    number = count_readers() if ranges.remaining >= WORTHWHILE else 1
    if number > 1:
        yield from _read_by_threads(_Readers(engine, open_read, number), ranges)
        return
    read = open_read(connection)
    while ranges.remaining:
        result, seconds = time_read(read, *ranges.take())
        yield result
        ranges.adapt(seconds)


def count_readers() -> int:
    """Return how many threads read a large store: as many as this process has processors."""
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    processors = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return min(processors, MOST_READERS)


def _read_by_threads(readers: "_Readers[Result]", ranges: Ranges) -> Iterator[Result]:
    pending: deque[Future[tuple[Result, float]]] = deque()
    try:
        while ranges.remaining or pending:
            while ranges.remaining and len(pending) < _AHEAD * readers.number:
                pending.append(readers.submit(*ranges.take()))
            result, seconds = pending.popleft().result()
            ranges.adapt(seconds)
            yield result
    finally:
        readers.close()


class _Readers(Generic[Result]):
    """Threads, each with a connection of its own.

    Args:
        engine: Opens the connections.
        open_read: Prepares to read by one of them.
        number: How many.
    """

    def __init__(
        self, engine: Engine, open_read: Callable[[Connection], Read[Result]], number: int
    ) -> None:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - small stores need none

        self.number = number
        self._engine, self._open_read = engine, open_read
        self._threads = ThreadPoolExecutor(number, thread_name_prefix="forge-obs-reader")
        self._own = threading.local()
        self._connections = ExitStack()

    def submit(self, lower: int, upper: int) -> "Future[tuple[Result, float]]":
        """Let the next thread that has time read a range."""
        return self._threads.submit(self._read, lower, upper)

    def close(self) -> None:
        """Wait until no thread reads any more, and close the connections."""
        self._threads.shutdown(cancel_futures=True)
        self._connections.close()

    def _read(self, lower: int, upper: int) -> tuple[Result, float]:
        read: Read[Result] | None = getattr(self._own, "read", None)
        if read is None:
            # In the thread that uses it, so that a fork waits for it. See D66.
            connection = self._connections.enter_context(reading(self._engine))
            read = self._own.read = self._open_read(connection)
        return time_read(read, lower, upper)
