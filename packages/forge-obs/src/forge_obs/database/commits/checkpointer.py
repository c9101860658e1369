"""Moves what the write-ahead log holds into the database, beside the writers.

SQLite by itself does this inside the commit that finds the log too long, which then takes a
hundred times as long as others. Here a thread does nearly all of it while commits go on, and
writers wait only for the little that came meanwhile. Between two moves it lets the disk have the
log in small parts: a long one would keep the processor, and whoever commits on it, for a while at
each of its many pages. The thread starts when there is something to do and ends when there is not;
where it cannot start, SQLite's own way is the fallback.

See D51.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Final

from forge_obs.database.commits.group_commit import LONG_ROW
from forge_obs.database.commits.sqlite_writer import LogConnection
from forge_obs.database.errors import DRIVER_ERRORS
from forge_obs.errors import StoreUnavailable
from forge_obs.fork_lock import ForkLock

LOG_BYTES: Final = 16_000_000
"""After about this much was written the log is moved, in bytes.

A longer log means fewer and cheaper moves, since a page that was written ten times moves once. From
some length on it no longer fits the caches, and every commit gets slower.
"""

_LITTLE_BYTES: Final = 8_000_000
"""When no more came during a move, writers wait for that, and the log starts over."""

_LONG_LOG_BYTES: Final = 64_000_000
"""From this length on they wait for whatever came, in bytes."""

_LAG_BYTES: Final = 48_000_000
"""When this much came during one move, writers wait for it: the disk does not keep up."""

_LAG_S: Final = 1.0
"""How long a writer waits for a move at most, in seconds."""

_LOOK_S: Final = 0.01
"""How long a writer that waits for a move waits at a time, in seconds."""

_IDLE_S: Final = 1.0
"""How long the thread waits for more to do, in seconds."""

_OTHERS_S: Final = 2.0
"""How long a move waits for one of another process, in seconds; writers that run ahead wait too."""

_PAUSED_S: Final = 0.5
"""How long writers wait for a move of another process at most, in seconds."""

_SHARED: Final = 6
"""How much more a row counts that was written among those of other processes."""

_MANY_ROWS: Final = 200
"""After so many short rows of one lone thread it is worth another to let the disk have them."""

_SYNC_ROWS: Final = 24
"""How many of them it gets at a time from then on, at about 30 kB of log each.

Rows from `LONG_ROW` on take longer than what they wait for here, and many threads or processes
more often wait for each other.
"""

_FOREVER_S: Final = threading.TIMEOUT_MAX

_COMMIT_BYTES: Final = 12_000
"""What a transaction adds to the log: a page of each index that all its rows change."""

_ROW_BYTES: Final = 8_000
"""What each row adds without long texts: a page of the table, and one of the index of ids."""


class Checkpointer:
    """Keeps the write-ahead log of one database short.

    Args:
        connect: Opens a connection of the thread's own; None if the file is gone.
        is_current: Returns whether the log belongs to the file that stands at the path.
        pause: Keeps everybody from writing while the little that came meanwhile is moved.
    """

    def __init__(
        self,
        connect: Callable[[], LogConnection | None],
        is_current: Callable[[], bool],
        pause: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._connect = connect
        self._is_current = is_current
        self._pause = pause
        self._lock = ForkLock(let_go=self._close)
        self._connection: LogConnection | None = None
        self._noted = 0
        self._alone = 0
        # No Event: an interrupt of a thread that sets it may leave it locked for all others.
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._moving = False
        self._over = False
        self._thread: threading.Thread | None = None

    def note(self, rows: int, length: int, *, shared: bool) -> None:
        """Count rows that were committed, and look after a log that has grown long.

        Hold the lock of the database.

        Args:
            rows: How many.
            length: How long their texts are together, in characters.
            shared: Another process writes, too, and makes the log grow by as much and more.
        """
        written = _COMMIT_BYTES + _ROW_BYTES * rows + length
        self._noted += written * (_SHARED if shared else 1)
        if shared or rows > 1:
            self._alone = 0
        elif length < LONG_ROW:
            self._alone += 1
        if self._noted >= LOG_BYTES or self._is_sync_due():
            self._start()

    def _is_sync_due(self) -> bool:
        return self._alone >= _MANY_ROWS and self._alone % _SYNC_ROWS == 0

    def keep_up(self) -> None:
        """Wait for the move under way, if too much came meanwhile. Hold no lock."""
        give_up = time.monotonic() + _LAG_S
        while self._noted >= _LAG_BYTES and self._moving and time.monotonic() < give_up:
            time.sleep(_LOOK_S)

    def stop(self, *, wait_s: float) -> bool:
        """End the thread and close what is open; False if a move stays under way for that long."""
        self._over = True
        self._wake()
        return self._disconnect(wait_s)

    def _start(self) -> None:
        self._over = False
        self._wake()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="forge-obs-log", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no more threads, or the interpreter is ending
                self._thread = None
                self._noted = self._alone = 0

    def _wake(self) -> None:
        if self._wakes.empty():
            self._wakes.put(None)

    def _is_woken(self) -> bool:
        """Wait for work; False if none came for a while."""
        try:
            self._wakes.get(timeout=_IDLE_S)
        except Empty:
            return False
        return True

    def _run(self) -> None:
        try:
            while self._is_woken() and not self._over:
                if self._noted >= LOG_BYTES:
                    self._move()
                else:
                    self._sync()
            if not self._over:
                self._move()
            self._disconnect(0.0)
        finally:
            # A commit that asks for more just now is seen to with the next one that does.
            self._thread = None
            self._alone = 0

    def _sync(self) -> None:
        with suppress(OSError, *DRIVER_ERRORS), self._connected(_FOREVER_S) as log:
            if log is not None:
                log.sync()

    def _move(self) -> None:
        with suppress(OSError, StoreUnavailable, *DRIVER_ERRORS):
            length = self._move_log()
            while self._noted >= _LITTLE_BYTES and 0 < length < _LONG_LOG_BYTES:
                length = self._move_log()
            # Another process may have let the log start over already.
            if length >= LOG_BYTES // 2:
                with self._pause():
                    self._move_log(paused=True)

    def _move_log(self, *, paused: bool = False) -> int:
        """Move what no reader needs; gives the length of the log in bytes."""
        self._moving = True
        self._noted = 0
        try:
            # Whoever paused the writers holds a lock, and must not wait for another.
            with self._connected(0.0 if paused else _FOREVER_S) as log:
                if log is None or not self._is_current():
                    return 0
                return log.move(_PAUSED_S if paused else _OTHERS_S)
        finally:
            self._moving = False

    @contextmanager
    def _connected(self, timeout_s: float) -> Iterator[LogConnection | None]:
        """Give the thread's connection; None if the file is gone, or others keep the lock."""
        with self._lock.held(timeout_s) as taken:
            if not taken:
                yield None
                return
            try:
                self._connection = self._connection or self._connect()
                yield self._connection
            except (OSError, *DRIVER_ERRORS):
                self._close()
                raise

    def _disconnect(self, wait_s: float) -> bool:
        with self._lock.held(wait_s) as taken:
            if taken:
                self._close()
            return taken

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
