"""One database file as this process writes it.

See D40.
"""

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from operator import attrgetter
from pathlib import Path
from typing import Final

from forge_obs.database.commits.checkpointer import Checkpointer
from forge_obs.database.commits.group_commit import Commit, GroupCommit, Unchanged
from forge_obs.database.commits.sqlite_writer import LogConnection, Writer
from forge_obs.database.connections import Identity, identify, list_connections, side_files
from forge_obs.database.engines import BUSY_S, connect_for_writing, create_write_engine
from forge_obs.database.errors import DRIVER_ERRORS, REFUSALS, KeyTaken, is_busy
from forge_obs.database.replaced_file import Watch
from forge_obs.errors import StoreUnavailable
from forge_obs.fork_lock import ForkLock

_log: Final = logging.getLogger("forge_obs")

_get_length: Final = attrgetter("length")

_PAUSE_S: Final = 1.0
"""How long a log waits for a moment in which nobody writes, in seconds."""


class Database:
    """One database file as this process writes it.

    One connection is kept for writing, and a lock in front of it lets threads queue here instead
    of in SQLite, which is both faster and fairer.

    Args:
        path: The file, which exists.
        identity: Its device and inode, to notice that it was replaced.
        note_use: Called whenever a connection to write by is opened.
    """

    def __init__(
        self, path: Path, identity: Identity, note_use: Callable[["Database"], None]
    ) -> None:
        self.path = path
        # An engine that somebody holds keeps this, so that a path never has two of them.
        self.engine = create_write_engine(path, connect=self._connect)
        self.is_at_head = False
        """The schema was seen at head."""
        self.lock = ForkLock(let_go=self.close)
        self.migration_lock = ForkLock()
        """Lets threads of this process wait here for one that migrates, and a fork, too."""
        self._watch = Watch(path, identity)
        # Which is stopped before the watch is closed.
        self.checkpointer = Checkpointer(self._open_log, self._watch.is_current, self._paused)
        self._identity = identity
        self._note_use = note_use
        self._writer: Writer | None = None
        self._is_executing = False
        self._log: Identity | None = None
        self._group = GroupCommit(self.lock, self._write)

    @property
    def is_writing(self) -> bool:
        """Whether the schema was seen at head and a connection to write by is open."""
        return self.is_at_head and self._writer is not None

    def is_current(self, wait_s: float = 0.0) -> bool:
        """Return whether the path still leads to the file that is open, and to its content.

        Whoever holds the lock finds that out, so that a thread that waits in vain is told so.

        Args:
            wait_s: How long to wait for other threads, in seconds.
        """
        with self.lock.held(wait_s) as taken:
            return not taken or self._watch.is_current()

    def commit(self, row: Commit, *, timeout_s: float) -> bool:
        """Insert a row with what belongs to it, and commit; see also `keep_up`.

        Rows that threads commit at the same moment share a transaction.

        Args:
            row: What to write.
            timeout_s: How long to wait for other threads and processes, in seconds.

        Returns:
            Whether the file that has the row still stands at the path.

        Raises:
            StoreUnavailable: Other threads kept the database busy.
            sqlite3.Error: The database is locked, full, damaged or not writable.
        """
        return self._group.commit(row, timeout_s)

    def _write(self, commits: Sequence[Commit], timeout_s: float) -> None:
        give_up = time.monotonic() + timeout_s
        if len(commits) > 1 and self._write_together(commits, timeout_s):
            return
        for commit in commits:
            try:
                commit.is_at_path = self._write_one(commit, give_up)
            except REFUSALS as error:
                if is_busy(error):
                    raise  # the threads of the other rows may have more time
                commit.error = error

    def commit_batch(
        self,
        write: Callable[[sqlite3.Connection], None],
        rows: int,
        length: int,
        *,
        timeout_s: float,
    ) -> bool:
        """Write a batch in one transaction; returns and raises what `commit` does.

        Args:
            write: Executes the statements.
            rows: How many rows it writes.
            length: How long their texts are together, in characters.
            timeout_s: How long to wait for other threads and processes, in seconds.
        """
        with self.held(timeout_s) as left_s:
            return self._execute(
                lambda writer, wait_s: writer.transact(write, wait_s), rows, length, left_s
            )

    def _write_one(self, commit: Commit, give_up: float) -> bool:
        try:
            return self._commit([commit], give_up - time.monotonic())
        except Unchanged:
            return self._execute(
                lambda writer, wait_s: writer.commit_parted(commit, wait_s),
                1,
                commit.length,
                give_up - time.monotonic(),
            )

    def _write_together(self, commits: Sequence[Commit], timeout_s: float) -> bool:
        """Commit all rows by one statement; False if one of them keeps the others from it."""
        try:
            is_at_path = self._commit(commits, timeout_s)
        except Unchanged:
            return False
        except REFUSALS as error:
            if is_busy(error):
                raise
            return False
        for commit in commits:
            commit.is_at_path = is_at_path
        return True

    def _commit(self, commits: Sequence[Commit], timeout_s: float) -> bool:
        return self._execute(
            lambda writer, wait_s: writer.commit(commits, wait_s),
            len(commits),
            sum(map(_get_length, commits)),
            timeout_s,
        )

    def _execute(
        self,
        act: Callable[[Writer, float], bool],
        rows: int,
        length: int,
        timeout_s: float,
    ) -> bool:
        give_up = time.monotonic() + timeout_s
        was_executing, self._is_executing = self._is_executing, True
        try:
            if self._writer is None:
                self._writer = Writer(self.path, timeout_s)
                self._note_use(self)
            shared = act(self._writer, give_up - time.monotonic())
        except DRIVER_ERRORS as error:
            if not isinstance(error, KeyTaken) and not is_busy(error):
                self.close()
                self.is_at_head = False  # the file may have been emptied
            raise
        finally:
            self._is_executing = was_executing
        self.checkpointer.note(rows, length, shared=shared)
        current = self._watch.is_current()
        if self._log is None and current:
            self._log = identify(os.fspath(side_files(self.path)[0]))
        return current

    def checkpoint(self) -> None:
        """Move what the log holds into the database, as far as readers allow. Hold the lock.

        Whoever closes a database last moves all of its log and removes it: without one there is
        nothing to open the file for, and a process may have gone through a thousand of them.

        Raises:
            sqlite3.Error: The database is locked for readers, damaged, full or not writable.
        """
        if not side_files(self.path)[0].exists():
            return
        log = self._open_log()
        if log is not None:
            with closing(log):
                log.move()

    @contextmanager
    def held(self, timeout_s: float) -> Iterator[float]:
        """Take the lock in front of the database; gives the seconds that are left.

        Raises:
            StoreUnavailable: Other threads kept the database busy.
        """
        give_up = time.monotonic() + timeout_s
        with self.lock.held(timeout_s) as taken:
            if not taken:
                raise StoreUnavailable(f"database {self.path} was busy in other threads")
            yield give_up - time.monotonic()

    def _connect(self) -> sqlite3.Connection:
        return connect_for_writing(self.path, BUSY_S)

    def _open_log(self) -> LogConnection | None:
        return LogConnection(self.path) if self._watch.is_current() else None

    @contextmanager
    def _paused(self) -> Iterator[None]:
        with self.held(_PAUSE_S) as left_s:
            if self._writer is None:
                yield
                return
            with self._writer.paused(left_s):
                yield

    def retire(self, *, wait_s: float, forget: bool = False) -> None:
        """Close every connection, since the file is gone or needed no more.

        Only after that may another file at the path be opened: SQLite keeps its memory of a log in
        a file beside the database, and two databases that share one crash the process.

        Args:
            wait_s: How long to wait for whoever uses a connection, in seconds.
            forget: Keep no descriptor of the file, which is perhaps used no more.

        Raises:
            StoreUnavailable: A connection stays in use, perhaps by a read.
        """
        give_up = time.monotonic() + wait_s
        stopped = self.checkpointer.stop(wait_s=wait_s)
        with self.held(max(0.0, give_up - time.monotonic())):
            if self._is_executing:
                raise StoreUnavailable(f"database {self.path} is being written by this thread")
            current = self._watch.is_current()
            if not current and identify(os.fspath(self.path)) is not None:
                self._part(max(_PAUSE_S, give_up - time.monotonic()))
            self.close()
            if not stopped or any(
                connection.identity == self._identity for connection in list_connections()
            ):
                raise StoreUnavailable(f"database {self.path} was removed while it was in use")
            if forget or not current:
                self._watch.close()

    def _part(self, timeout_s: float) -> None:
        """Part the file that stands at the path from the log of this one. Hold the lock."""
        log = self._log if self._writer is not None else None
        if self._watch.leave(log, timeout_s):
            warn(
                "database %s was replaced while it was in use: what its log held is in %s-replaced",
                self.path,
                side_files(self.path)[0],
            )

    def close(self) -> None:
        """Close the connection to write by; the next commit opens a new one. Hold the lock."""
        writer, self._writer, self._log = self._writer, None, None
        if writer is not None:
            writer.close()


def warn(message: str, *details: object) -> None:
    """Log a warning; a handler of the host program that fails costs nothing else."""
    with suppress(Exception, SystemExit):
        _log.warning(message, *details)
