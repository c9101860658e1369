"""The connections that write to SQLite all the time: one commits rows, one moves their log."""

import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from sqlite3 import OperationalError
from typing import Final

from forge_obs.database.commits.group_commit import Commit, Step, Unchanged
from forge_obs.database.connections import side_files
from forge_obs.database.engines import connect_for_writing
from forge_obs.database.errors import is_busy
from forge_obs.database.rows.upsert import repeat_values

_RETRY_S: Final = (0.0005, 0.005)
"""How long to wait for another process before the next try, at least and at most, in seconds."""


_sync: Final = os.fsync if sys.platform == "darwin" else os.fdatasync


class Writer:
    """One connection that commits rows, one or several by one statement.

    It goes straight to the driver: after the copying of a long prompt the processor's caches are
    cold, and the layers in between would cost as much as the insert. Not for two threads at once.

    Args:
        path: The file, which exists.
        wait_s: How long to wait while another program lets nobody read, in seconds.

    Raises:
        sqlite3.Error: The file cannot be opened or read, or stayed locked.
    """

    def __init__(self, path: Path, wait_s: float) -> None:
        self._driver = connect_for_writing(path, wait_s)
        self._driver.execute("PRAGMA busy_timeout=0")

    def commit(self, commits: Sequence[Commit], timeout_s: float) -> bool:
        """Write rows of the same statement with what belongs to them, all or none, and commit.

        The statement is a transaction of its own and takes the write lock before it reads, as
        `BEGIN IMMEDIATE` would. While another process has the lock it is tried again every few
        milliseconds: SQLite's own waiting comes back after 100 ms and more, and starves among many
        writers.

        Returns:
            Whether another process had the lock.

        Raises:
            Unchanged: One of several rows, or the only one, changed nothing. The others may have
                been written or not.
            sqlite3.Error: The database is locked, full, damaged or not writable; nothing was
                written.
        """
        if self._driver.in_transaction:  # an interrupt left it open
            self._driver.execute("ROLLBACK")
        statement, values = commits[0].statement, commits[0].values
        if len(commits) > 1:
            statement = repeat_values(statement, len(values), len(commits))
            values = tuple(chain.from_iterable(commit.values for commit in commits))
        least = len(commits) if commits[0].part is not None else 0
        steps = [commit.steps for commit in commits if commit.steps]
        if not steps:
            shared, changed = self._execute_soon(statement, values, timeout_s)
            if changed < least:
                raise Unchanged
            return shared
        with self._transaction(timeout_s) as shared:
            changed = self._driver.execute(statement, values).rowcount
            if changed < least:
                raise Unchanged
            for some in steps:
                self._follow(some, changed=changed > 0)
        return shared

    def commit_parted(self, commit: Commit, timeout_s: float) -> bool:
        """Write a row that `commit` left unchanged, under a key of its own if it needs one.

        Returns:
            Whether another process had the lock.

        Raises:
            sqlite3.Error: The database is locked, full, damaged or not writable; nothing was
                written.
        """
        with self._transaction(timeout_s) as shared:
            parted = commit if commit.part is None else commit.part(self._driver)
            changed = self._driver.execute(parted.statement, parted.values).rowcount
            self._follow(parted.steps, changed=changed > 0)
        return shared

    @contextmanager
    def _transaction(self, timeout_s: float) -> Iterator[bool]:
        """Commit what is written inside, or none of it; gives whether another process was in."""
        shared, _ = self._execute_soon("BEGIN IMMEDIATE", (), timeout_s)
        try:
            yield shared
            self._execute_soon("COMMIT", (), timeout_s)
        except BaseException:
            if self._driver.in_transaction:
                self._driver.execute("ROLLBACK")
            raise

    def _follow(self, steps: Sequence[Step], *, changed: bool) -> None:
        for step in steps:
            due = step.after_change is None or step.after_change == changed
            changed = due and self._driver.execute(step.statement, step.values).rowcount > 0

    @contextmanager
    def paused(self, timeout_s: float) -> Iterator[None]:
        """Keep every process from writing for a while.

        Raises:
            sqlite3.Error: Others kept writing for that many seconds.
        """
        self._execute_soon("BEGIN IMMEDIATE", (), timeout_s)
        try:
            yield
        finally:
            self._driver.execute("ROLLBACK")

    def _execute_soon(
        self, statement: str, values: tuple[object, ...], timeout_s: float
    ) -> tuple[bool, int]:
        """Execute as soon as no other process has the lock; gives whether one had, and the rows."""
        give_up = 0.0
        while True:
            try:
                cursor = self._driver.execute(statement, values)
            except OperationalError as error:
                now = time.monotonic()
                give_up = give_up or now + timeout_s
                if not is_busy(error) or now >= give_up:
                    raise
            else:
                return give_up > 0.0, cursor.rowcount
            time.sleep(random.uniform(*_RETRY_S))  # noqa: S311 - jitter is no secret

    def close(self) -> None:
        """Close the connection."""
        self._driver.close()


class LogConnection:
    """A connection that moves the write-ahead log into an existing database file.

    Raises:
        sqlite3.Error: There is no such file, or it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log: int | None = None
        self._driver = connect_for_writing(path, 0.0)
        self._page_bytes = int(self._driver.execute("PRAGMA page_size").fetchone()[0])

    def move(self, wait_s: float = 0.0) -> int:
        """Move what no reader needs, blocking nobody.

        Args:
            wait_s: How long to wait for another process that does the same, in seconds.

        Returns:
            How long the log is, in bytes; 0 if the other process is still at it.

        Raises:
            sqlite3.Error: The database is damaged, full or not writable.
        """
        give_up = time.monotonic() + wait_s
        while True:
            busy, pages, _ = self._driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if not busy:
                return int(pages) * self._page_bytes
            if time.monotonic() >= give_up:
                return 0
            time.sleep(random.uniform(*_RETRY_S))  # noqa: S311 - jitter is no secret

    def sync(self) -> None:
        """Wait until the disk has what the log holds, blocking nobody.

        Where there is no log, as on a network file system, the disk has all.

        Raises:
            OSError: The disk refuses.
        """
        if self._log is None:
            log, _ = side_files(self._path)
            # SQLite keeps no locks on this file, which closing a descriptor would drop.
            with suppress(FileNotFoundError):
                self._log = os.open(log, os.O_RDWR | os.O_CLOEXEC)
        if self._log is not None:
            _sync(self._log)

    def close(self) -> None:
        """Close the connection."""
        log, self._log = self._log, None
        if log is not None:
            os.close(log)
        self._driver.close()
