"""Write one entry: a prepared statement, one transaction, committed when it returns."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from operator import itemgetter

from sqlalchemy import Engine, func, text
from sqlalchemy.exc import IntegrityError

from forge_obs import sqlite
from forge_obs.columns import CALL_KEY
from forge_obs.engine import Database
from forge_obs.entries import Entry, Row
from forge_obs.schema import interactions, runs


@dataclass(frozen=True)
class Statement:
    """A prepared statement.

    Attributes:
        text: In the words of the database's driver.
        pick: Gives the parameters, in order, out of a row.
    """

    text: str
    pick: Callable[[Row], tuple[object, ...]]


def write(database: Database, entry: Entry, *, timeout_s: float) -> None:
    """Insert the row, or merge it into the one with the same key, and commit.

    Args:
        database: Its schema is at head.
        entry: The clean row.
        timeout_s: How long to wait for other threads and processes, in seconds.

    Raises:
        StoreUnavailable: Other threads kept the database busy.
        sqlalchemy.exc.DBAPIError: The database is locked, full, damaged or not writable.
    """
    with database.writing(timeout_s) as left_s:
        insert(database.engine, entry, timeout_s=left_s)


def insert(engine: Engine, entry: Entry, *, timeout_s: float) -> None:
    """Write on any engine, without queueing behind other threads of this process."""
    first, *others = _statements(entry.table, has_call_key=entry.has_call_key)
    try:
        _execute(engine, first, entry.row, timeout_s)
    except IntegrityError:
        if not others:
            raise
        _execute(engine, others[0], entry.row, timeout_s)


def _execute(engine: Engine, statement: Statement, row: Row, timeout_s: float) -> None:
    with engine.connect() as connection:
        sqlite.set_busy_timeout(connection, timeout_s)
        with connection.begin():
            connection.exec_driver_sql(statement.text, statement.pick(row))


@cache
def _statements(table: str, *, has_call_key: bool) -> list[Statement]:
    """Give the statements to try, one for each key that the row may share with another."""
    if table == "runs":
        run_key = func.coalesce(runs.c.run_id, text("''"))
        return [_prepare(*sqlite.build_upsert(runs, [runs.c.workflow_id, run_key]))]
    by_entry = sqlite.build_upsert(interactions, [interactions.c.entry_id])
    by_call = sqlite.build_upsert(interactions, [interactions.c[name] for name in CALL_KEY])
    return [_prepare(*by_call), _prepare(*by_entry)] if has_call_key else [_prepare(*by_entry)]


def _prepare(statement: str, names: list[str]) -> Statement:
    return Statement(statement, itemgetter(*names))
