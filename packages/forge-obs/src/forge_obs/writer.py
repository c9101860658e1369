"""Write one entry: a prepared statement, one transaction, committed when it returns."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from operator import itemgetter

from sqlalchemy import func, text

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
        sqlite3.Error: The database is locked, full, damaged or not writable.
    """
    first, *others = _statements(entry.table, has_call_key=entry.has_call_key)
    try:
        database.commit(first.text, first.pick(entry.row), timeout_s=timeout_s)
    except sqlite.KeyTaken:
        if not others:
            raise
        database.commit(others[0].text, others[0].pick(entry.row), timeout_s=timeout_s)


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
