"""Write one entry: a prepared statement, one transaction, committed when it returns."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Final

from sqlalchemy import func, text

from forge_obs.database.errors import DRIVER_ERRORS, KeyTaken
from forge_obs.database.handle import Database, get_writing, open_database
from forge_obs.database.migrate import make_ready
from forge_obs.database.schema import interactions, runs
from forge_obs.database.upsert import build_upsert
from forge_obs.errors import StoreUnavailable
from forge_obs.model.columns import CALL_KEY
from forge_obs.model.entries import Entry, Row


@dataclass(frozen=True)
class Statement:
    """A prepared statement.

    Attributes:
        text: In the words of the database's driver.
        pick: Gives the parameters, in order, out of a row.
    """

    text: str
    pick: Callable[[Row], tuple[object, ...]]


_tried_to_migrate: Final[set[Path]] = set()


def write_at(path: Path, entry: Entry, *, timeout_s: float, migrate_s: float) -> None:
    """Write one entry to the database at a path, making and migrating it as needed.

    A file that is removed or replaced while it is open is noticed, and the entry written to the
    one that stands at the path then.

    Args:
        path: Absolute path of the database.
        entry: The clean row.
        timeout_s: How long to wait for other threads and processes, in seconds.
        migrate_s: How long to wait instead, once per path, if the schema is to be made or
            upgraded.

    Raises:
        StoreError: The schema is newer, or other threads kept the database busy.
        OSError: The file cannot be made.
        sqlite3.Error: The database is locked, full, damaged or not writable.
        sqlalchemy.exc.DBAPIError: The same, while the schema was read or upgraded.
    """
    give_up = time.monotonic() + timeout_s
    writing = get_writing(path)
    if writing is not None and _write_here(writing, entry, timeout_s):
        return
    for _ in range(2):
        database, migrated = _open(path, give_up, migrate_s)
        if migrated:
            give_up = time.monotonic() + timeout_s
        if _write_here(database, entry, give_up - time.monotonic()):
            return
    raise StoreUnavailable(f"database {path} is being replaced again and again")


def _write_here(database: Database, entry: Entry, timeout_s: float) -> bool:
    """Write to an open database; False if its file does not stand at the path any more."""
    try:
        return write(database, entry, timeout_s=timeout_s)
    except DRIVER_ERRORS:
        if database.is_current():
            raise
        return False


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
    if database.ready:
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
    *others, last = _statements(entry.table, entry.has_call_key)
    for statement in others:
        with suppress(KeyTaken):
            return _commit(database, statement, entry.row, give_up)
    return _commit(database, last, entry.row, give_up)


def _commit(database: Database, statement: Statement, row: Row, give_up: float) -> bool:
    left_s = give_up - time.monotonic()
    return database.commit(statement.text, statement.pick(row), timeout_s=left_s)


@cache
def _statements(table: str, has_call_key: bool) -> list[Statement]:
    """Give the statements to try, one for each key that the row may share with another."""
    if table == "runs":
        run_key = func.coalesce(runs.c.run_id, text("''"))
        return [_prepare(*build_upsert(runs, [runs.c.workflow_id, run_key]))]
    by_entry = build_upsert(interactions, [interactions.c.entry_id])
    by_call = build_upsert(interactions, [interactions.c[name] for name in CALL_KEY])
    return [_prepare(*by_call), _prepare(*by_entry)] if has_call_key else [_prepare(*by_entry)]


def _prepare(statement: str, names: list[str]) -> Statement:
    return Statement(statement, itemgetter(*names))
