"""Threads that want to commit at the same moment do it in one statement.

While one group is written the next one gathers, so nobody waits longer than in a queue for the
lock. Pages that several rows change are written once, and the interpreter's lock, for which every
thread that wakes has to wait, changes hands less often. A few threads write each for itself.

See D65.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from forge_obs.errors import StoreUnavailable
from forge_obs.fork_lock import ForkLock

if TYPE_CHECKING:
    import sqlite3

MOST_ROWS: Final = 16
"""How many rows a group takes; an older SQLite knows no more than 999 values in a statement."""

_ENOUGH_ROWS: Final = 8
"""From so many rows on a group waits for no more: the next one gathers while it is written."""

_GATHER_S: Final = 0.0004
"""How long a group waits for company, in seconds; about as long as it takes to write one."""

CROWD: Final = 4
"""From so many threads on it pays to gather their rows; fewer queue for the lock."""

LONG_ROW: Final = 20_000
"""From so many characters on a row goes alone: copying it takes longer than what it could share."""

_BUSY: Final = "the database was busy in other threads"


LONG_VALUES: Final = 4
"""How many values at the end of a row may be long texts."""


@dataclass(eq=False, slots=True)
class Step:
    """What follows a row in its transaction.

    Attributes:
        statement: Text in the words of the database's driver.
        values: Its parameters.
        after_change: Only where the step before changed something, or the row did; False: only
            where it did not; None: in any case. A step that was left out changed nothing.
        takes_id: Whether the id of the row comes before these parameters. Only for what follows a
            plain insert.
    """

    statement: str
    values: tuple[object, ...] = field(repr=False)
    after_change: bool | None = None
    takes_id: bool = False


class Unchanged(Exception):
    """A call's row was not changed, nor inserted: its key may belong to another call."""


@dataclass(eq=False)
class Commit:
    """A row on its way into the database.

    Attributes:
        statement: Text in the words of the database's driver.
        values: Its parameters, long texts last.
        steps: What belongs to the row and is written with it.
        alone: Whether the statement takes no rows of others.
        part: Gives what to write where the statement changed nothing, which for a call means that
            its key may belong to another one; None for what is never parted.
        length: How long these texts are, in characters.
        is_at_path: Whether the file that took the row still stands at its path; None until then.
        error: Why the row was not taken.
    """

    statement: str
    values: tuple[object, ...] = field(repr=False)
    steps: Sequence[Step] = ()
    alone: bool = False
    part: "Callable[[sqlite3.Connection], Commit] | None" = None
    length: int = field(init=False)
    is_at_path: bool | None = None
    error: Exception | None = None

    def __post_init__(self) -> None:
        texts = self.values[-LONG_VALUES:]
        self.length = sum(len(value) for value in texts if type(value) is str)
        self.alone = self.alone or self.length >= LONG_ROW

    @property
    def settled(self) -> bool:
        """Whether nothing more happens to it."""
        return self.is_at_path is not None or self.error is not None


class _Group:
    """Rows of one statement that the thread which brought the first of them writes.

    Attributes:
        written: Taken until they are; then those go on who wait, one after another.
    """

    def __init__(self, first: Commit) -> None:
        self.commits = [first]
        self.written = threading.Lock()
        self.written.acquire()
        self._expected = MOST_ROWS + 1
        self._gathered = threading.Lock()
        self._gathered.acquire()

    def takes(self, row: Commit) -> bool:
        """Return whether a row may join."""
        return (
            not row.alone
            and row.statement == self.commits[0].statement
            and len(self.commits) < MOST_ROWS
        )

    def join(self, row: Commit) -> None:
        """Add a row of another thread, and wake the leader if it has waited for this one."""
        self.commits.append(row)
        if len(self.commits) >= self._expected:
            with suppress(RuntimeError):  # another thread woke it
                self._gathered.release()

    def gather(self, expected: int) -> None:
        """Wait a moment until so many rows have come."""
        self._expected = expected
        if len(self.commits) < expected:
            self._gathered.acquire(timeout=_GATHER_S)

    def wait(self, timeout_s: float) -> bool:
        """Wait until the group was written; False if that takes longer."""
        written = self.written.acquire(timeout=timeout_s)
        if written:
            self.written.release()
        return written


class GroupCommit:
    """Gathers rows of many threads for one writer.

    Joining takes no lock: a row that comes just as a group closes is not among those that get
    written, and its thread tries again.

    Args:
        lock: Held while rows are written.
        write: Settles rows, given the seconds left. Where it raises, that meets the thread that
            called it; the threads of the other rows that it did not settle try again.
        crowd: From so many threads on rows are gathered.
    """

    def __init__(
        self,
        lock: ForkLock,
        write: Callable[[Sequence[Commit], float], None],
        crowd: int = CROWD,
    ) -> None:
        self._lock = lock
        self._write = write
        self._crowd = crowd
        self._gathering: _Group | None = None
        self._threads: set[int] = set()

    def commit(self, row: Commit, timeout_s: float) -> bool:
        """Write a row, alone or with others; return whether its file still stands at the path.

        Raises:
            StoreUnavailable: Other threads kept the database busy.
            Exception: What `write` raised, or found wrong with the row.
        """
        thread = threading.get_ident()
        try:
            self._threads.add(thread)
            self._settle(row, time.monotonic() + timeout_s)
        finally:
            self._threads.discard(thread)
        if row.error is not None:
            raise row.error
        return bool(row.is_at_path)

    def _settle(self, row: Commit, give_up: float) -> None:
        while not row.settled:
            group = self._gathering
            if group is not None and group.takes(row):
                group.join(row)
                if not group.wait(max(0.0, give_up - time.monotonic())):
                    raise StoreUnavailable(_BUSY)
            elif row.alone or len(self._threads) < self._crowd:
                self._write_alone(row, give_up)
            else:
                self._lead(_Group(row), give_up)

    def _write_alone(self, row: Commit, give_up: float) -> None:
        with self._lock.held(give_up - time.monotonic()) as taken:
            if not taken:
                raise StoreUnavailable(_BUSY)
            self._write([row], give_up - time.monotonic())

    def _lead(self, group: _Group, give_up: float) -> None:
        try:
            self._gathering = group
            with self._lock.held(give_up - time.monotonic()) as taken:
                if not taken:
                    raise StoreUnavailable(_BUSY)
                # The other half is on its way while these rows are written.
                group.gather(min(_ENOUGH_ROWS, len(self._threads) // 2))
                self._close(group)
                self._write(group.commits[:MOST_ROWS], give_up - time.monotonic())
        finally:
            # As in `ForkLock.held`, by no function of ours.
            if self._gathering is group:
                self._gathering = None
            group.written.release()

    def _close(self, group: _Group) -> None:
        if self._gathering is group:
            self._gathering = None
