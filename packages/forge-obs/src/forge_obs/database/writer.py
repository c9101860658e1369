"""Write entries, one or many, in one transaction that is committed when it returns."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

from forge_obs.database.batch import Batch
from forge_obs.database.commits.database import Database
from forge_obs.database.errors import REFUSALS, KeyTaken
from forge_obs.database.handle import get_writing, open_database
from forge_obs.database.migrate import make_ready
from forge_obs.database.statements import build_commits
from forge_obs.errors import StoreUnavailable, is_about_the_entry
from forge_obs.model.entries import Entry

Refusals: TypeAlias = Sequence[Exception | None]
"""For each entry, why no database takes it; None where it is written."""

_WRITTEN: Final[Refusals] = (None,)

_tried_to_migrate: Final[set[Path]] = set()


def write_at(
    path: Path, entries: Sequence[Entry], *, timeout_s: float, migrate_s: float
) -> Refusals:
    """Write entries to the database at a path, making and migrating it as needed.

    A file that is removed or replaced while it is open is noticed, and the entries written to the
    one that stands at the path then.

    Args:
        path: Absolute path of the database.
        entries: Clean rows. All are written in one transaction, but for those that no database
            takes.
        timeout_s: How long to wait for other threads and processes, in seconds.
        migrate_s: How long to wait instead, once per path, if the schema is to be made or
            upgraded.

    Returns:
        What keeps each entry from being written to any database.

    Raises:
        StoreError: The schema is newer, or other threads kept the database busy.
        OSError: The file cannot be made.
        sqlite3.Error: The database is locked, full, damaged or not writable; nothing was written.
        sqlalchemy.exc.DBAPIError: The same, while the schema was read or upgraded.
    """
    if not entries:
        return ()
    give_up = time.monotonic() + timeout_s
    writing = get_writing(path)
    if writing is not None and (refusals := _write_here(writing, entries, timeout_s)) is not None:
        return refusals
    for _ in range(2):
        database, migrated = _open(path, give_up, migrate_s)
        if migrated:
            give_up = time.monotonic() + timeout_s
        refusals = _write_here(database, entries, give_up - time.monotonic())
        if refusals is not None:
            return refusals
    raise StoreUnavailable(f"database {path} is being replaced again and again")


def _write_here(database: Database, entries: Sequence[Entry], timeout_s: float) -> Refusals | None:
    """Write to an open database; None if its file does not stand at the path any more."""
    try:
        if len(entries) > 1:
            batch = Batch(entries)
            extent = len(batch.entries), batch.length
            kept = database.commit_batch(batch.write, *extent, timeout_s=timeout_s)
            return batch.refusals if kept else None
        return _WRITTEN if write(database, entries[0], timeout_s=timeout_s) else None
    except REFUSALS as error:
        if not database.is_current(timeout_s):
            return None
        if len(entries) > 1 or not is_about_the_entry(error):
            raise
        return (error,)


def make_writable(path: Path, *, timeout_s: float, migrate_s: float) -> None:
    """Open the database at a path with its schema at head; raises what `write_at` raises.

    Args:
        path: Absolute path of the database.
        timeout_s: How long to wait for other threads and processes, in seconds.
        migrate_s: How long to wait instead, once per path, if the schema is to be made or
            upgraded.
    """
    _open(path, time.monotonic() + timeout_s, migrate_s)


def _open(path: Path, give_up: float, migrate_s: float) -> tuple[Database, bool]:
    """Open the database with its schema at head; tells also whether it was migrated."""
    left_s = give_up - time.monotonic()
    database = open_database(path, wal_budget_s=left_s / 4)
    if database.is_at_head:
        return database, False
    try:
        wait_s = left_s if path in _tried_to_migrate else migrate_s
        return database, make_ready(database, timeout_s=wait_s, read_s=left_s / 2)
    finally:
        _tried_to_migrate.add(path)


def write(database: Database, entry: Entry, *, timeout_s: float) -> bool:
    """Insert the row, or merge it into the one with the same key, and commit.

    Tells whether the file that has it still stands at the path of the database.

    Args:
        database: Its schema is at head.
        entry: The clean row.
        timeout_s: How long to wait for other threads and processes, in seconds, whatever number of
            statements that takes.

    Raises:
        StoreUnavailable: Other threads kept the database busy.
        sqlite3.Error: The database is locked, full, damaged or not writable.
    """
    give_up = time.monotonic() + timeout_s
    commits = build_commits(entry)
    commit = next(commits)
    while True:
        try:
            return database.commit(commit, timeout_s=give_up - time.monotonic())
        except KeyTaken:
            following = next(commits, None)
            if following is None:
                raise
            commit = following
