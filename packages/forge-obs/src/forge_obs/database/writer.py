"""Write one entry: a prepared statement, one transaction, committed when it returns."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from operator import itemgetter
from pathlib import Path
from typing import Final

from sqlalchemy import func, text

from forge_obs.database.commits.group_commit import Commit, Step
from forge_obs.database.errors import DRIVER_ERRORS, KeyTaken
from forge_obs.database.handle import Database, get_writing, open_database
from forge_obs.database.migrate import make_ready
from forge_obs.database.rows import collisions, facts
from forge_obs.database.rows.upsert import build_insert, build_upsert
from forge_obs.database.schema import interactions, runs
from forge_obs.errors import StoreUnavailable
from forge_obs.model.columns import CALL_KEY, STARTED
from forge_obs.model.entries import Before, Entry, Row
from forge_obs.model.rows import FACTS


@dataclass(frozen=True)
class Statement:
    """A prepared statement.

    Attributes:
        text: In the words of the database's driver.
        pick: Gives the parameters, in order, out of a row.
    """

    text: str
    pick: Callable[[Row], tuple[object, ...]]

    def step(self, row: Row, *, after_change: bool | None = None) -> Step:
        """Build what follows a row in its transaction."""
        return Step(self.text, self.pick(row), after_change)


@dataclass(frozen=True)
class KeyStatements:
    """What writes a call that a key names.

    Attributes:
        upsert: Inserts or merges the row.
        late: Merges it also into one whose texts are archived.
        start: Puts facts beside it that only fill gaps.
        finish: Puts facts beside it that replace others.
        early: Adds an outcome that came before the call.
        removal: Forgets that it did.
    """

    upsert: Statement
    late: Statement
    start: Statement
    finish: Statement
    early: Statement
    removal: Statement


_ENTRY_KEY: Final = ("entry_id",)


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
    if entry.table == "runs":
        run = _run_statement()
        return _commit(database, Commit(run.text, run.pick(entry.row)), give_up)
    if entry.table == "call_facts":
        return _commit(database, _build_outcome(entry), give_up)
    if entry.before is Before.NOTHING and not entry.has_call_key:
        try:
            return _commit(database, _build_insert(entry), give_up)
        except KeyTaken:
            pass  # an id that somebody else made up, too
    *others, last = _call_statements(has_call_key=entry.has_call_key)
    for statement in others:
        with suppress(KeyTaken):
            return _commit(database, _build_commit(statement, entry), give_up)
    return _commit(database, _build_commit(last, entry), give_up)


def _commit(database: Database, commit: Commit, give_up: float) -> bool:
    return database.commit(commit, timeout_s=give_up - time.monotonic())


def _build_insert(entry: Entry) -> Commit:
    """Write a call that has only the id that was made up for it: there is nothing to merge with."""
    insert, known = _insert_statement(), entry.facts
    if not known:
        return Commit(insert.text, insert.pick(entry.row))
    beside = _facts_statement(tuple(known))
    step = Step(beside.text, beside.pick(known), takes_id=True)
    return Commit(insert.text, insert.pick(entry.row), [step])


def _build_commit(statement: KeyStatements, entry: Entry) -> Commit:
    steps: list[Step] = []
    if entry.facts:
        upsert = statement.finish if entry.row["status"] != STARTED else statement.start
        steps.append(upsert.step({**entry.row, **_NO_FACTS, **entry.facts}))
    if entry.before is Before.ANYTHING:
        steps.append(statement.early.step(entry.row))
        steps.append(statement.removal.step(entry.row, after_change=True))
    part = partial(_part, statement, entry)
    return Commit(statement.upsert.text, statement.upsert.pick(entry.row), steps, part=part)


def _part(statement: KeyStatements, entry: Entry, driver: sqlite3.Connection) -> Commit:
    """Build what to write where the statement changed nothing."""
    parted = collisions.part(driver, entry)
    if parted is None:
        rest = collisions.leave_archived(driver, entry)
        return _build_commit(replace(statement, upsert=statement.late), rest)
    [first, *_] = _call_statements(has_call_key=parted.has_call_key)
    return _build_commit(first, parted)


def _build_outcome(entry: Entry) -> Commit:
    """Put an outcome beside its call or, where that is not there yet, where it waits for it."""
    values = {**_NO_FACTS, **entry.row, **entry.facts}
    upsert, keep, purge = _outcome_statements()
    steps = [keep.step(values, after_change=False), purge.step(values, after_change=True)]
    return Commit(upsert.text, upsert.pick(values), steps, alone=True)


_NO_FACTS: Final[Row] = dict.fromkeys(column.name for column in FACTS)


@cache
def _run_statement() -> Statement:
    run_key = func.coalesce(runs.c.run_id, text("''"))
    return _prepare(build_upsert(runs, [runs.c.workflow_id, run_key]))


@cache
def _insert_statement() -> Statement:
    return _prepare(build_insert(interactions))


@lru_cache(maxsize=128)
def _facts_statement(names: tuple[str, ...]) -> Statement:
    """Give what inserts just these facts; a program's calls have few sets of them."""
    return _prepare(facts.build_facts_insert(names))


@cache
def _call_statements(*, has_call_key: bool) -> list[KeyStatements]:
    """Give the statements to try, those of each key that the row may share with another."""
    keys = [CALL_KEY, _ENTRY_KEY] if has_call_key else [_ENTRY_KEY]
    return [_prepare_key(key) for key in keys]


def _prepare_key(key: Sequence[str]) -> KeyStatements:
    columns = [interactions.c[name] for name in key]
    return KeyStatements(
        upsert=_prepare(build_upsert(interactions, columns)),
        late=_prepare(build_upsert(interactions, columns, archived=True)),
        start=_prepare(facts.build_facts_upsert(key, finished=False)),
        finish=_prepare(facts.build_facts_upsert(key, finished=True)),
        early=_prepare(facts.build_early_merge(key)),
        removal=_prepare(facts.build_early_removal()),
    )


@cache
def _outcome_statements() -> tuple[Statement, Statement, Statement]:
    """Give what adds an outcome to its call, what keeps an early one, and what forgets old ones."""
    return (
        _prepare(facts.build_outcome_upsert()),
        _prepare(facts.build_early_upsert()),
        _prepare(facts.build_early_purge()),
    )


def _prepare(prepared: tuple[str, list[str]]) -> Statement:
    statement, names = prepared
    if len(names) == 1:
        [name] = names
        return Statement(statement, lambda row: (row[name],))
    return Statement(statement, itemgetter(*names) if names else lambda _: ())
