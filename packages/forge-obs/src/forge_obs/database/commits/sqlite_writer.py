"""The connections that write to SQLite all the time: one commits rows, one moves their log."""

import os
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
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
        # Zeros over the pages that a longer row leaves free cost as much as the row. See D89.
        self._driver.execute("PRAGMA secure_delete=FAST")

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
        self._roll_back()  # an interrupt may have left it open
        statement, values = commits[0].statement, commits[0].values
        if len(commits) > 1:
            statement = repeat_values(statement, len(values), len(commits))
            values = tuple(chain.from_iterable(commit.values for commit in commits))
        if not commits[0].steps and (len(commits) == 1 or not any(c.steps for c in commits)):
            shared, changed = self._execute_soon(statement, values, timeout_s)
            if changed < len(commits) and commits[0].part is not None:
                raise Unchanged
            return shared
        return self.transact(lambda driver: _write(driver, commits, statement, values), timeout_s)

    def commit_parted(self, commit: Commit, timeout_s: float) -> bool:
        """Write a row that `commit` left unchanged, under a key of its own if it needs one.

        Returns:
            Whether another process had the lock.

        Raises:
            sqlite3.Error: The database is locked, full, damaged or not writable; nothing was
                written.
        """
        return self.transact(lambda driver: _write_parted(driver, commit), timeout_s)

    def transact(self, act: Callable[[sqlite3.Connection], None], timeout_s: float) -> bool:
        """Do things in one transaction, all or none, and commit.

        Args:
            act: Does them, given a connection that has the write lock.
            timeout_s: How long to wait for other processes, in seconds.

        Returns:
            Whether another process had the lock.

        Raises:
            sqlite3.Error: The database is locked, full, damaged or not writable; nothing was
                written.
        """
        self._roll_back()
        shared, _ = self._execute_soon("BEGIN IMMEDIATE", (), timeout_s)
        try:
            act(self._driver)
            self._execute_soon("COMMIT", (), timeout_s)
        except BaseException:
            self._roll_back()
            raise
        return shared

    def _roll_back(self) -> None:
        if self._driver.in_transaction:
            self._driver.execute("ROLLBACK")

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


def write_alone(driver: sqlite3.Connection, commit: Commit) -> None:
    """Write a row with what belongs to it, under a key of its own if it needs one.

    Args:
        driver: In a transaction that has the write lock.
        commit: The row.

    Raises:
        sqlite3.Error: The database does not take it; a part may have been written.
    """
    try:
        _write(driver, [commit], commit.statement, commit.values)
    except Unchanged:
        _write_parted(driver, commit)


def _write_parted(driver: sqlite3.Connection, commit: Commit) -> None:
    """Write a row that changed nothing, under a key of its own if it needs one.

    Args:
        driver: In a transaction that has the write lock.
        commit: The row.

    Raises:
        sqlite3.Error: The database does not take it; a part may have been written.
    """
    parted = commit if commit.part is None else commit.part(driver)
    parted.part = None  # this is how it is written, whatever that changes
    _write(driver, [parted], parted.statement, parted.values)


def _write(
    driver: sqlite3.Connection,
    commits: Sequence[Commit],
    statement: str,
    values: tuple[object, ...],
) -> None:
    cursor = driver.execute(statement, values)
    if cursor.rowcount < len(commits) and commits[0].part is not None:
        raise Unchanged
    # Rows that one plain insert adds have ids that follow one another.
    row_id = (cursor.lastrowid or 0) - len(commits)
    for commit in commits:
        row_id += 1
        follow(driver, commit.steps, row_id, changed=cursor.rowcount > 0)


def follow(
    driver: sqlite3.Connection, steps: Sequence[Step], row_id: int = 0, *, changed: bool
) -> None:
    """Write what belongs to a row.

    Args:
        driver: In a transaction that has the write lock.
        steps: What follows the row, in order.
        row_id: Its id, for steps that take it.
        changed: Whether the row was inserted or changed.
    """
    for step in steps:
        values = (row_id, *step.values) if step.takes_id else step.values
        due = step.after_change is None or step.after_change == changed
        changed = due and driver.execute(step.statement, values).rowcount > 0


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
