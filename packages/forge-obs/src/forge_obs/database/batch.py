"""Many entries in one transaction: what is new by a few statements, the rest one after another.

A statement that takes many rows lets go of the interpreter's lock once, not once a row: whoever
computes meanwhile may keep that for milliseconds each time.

See D97.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Final, TypeVar

from forge_obs.database.commits.sqlite_writer import follow, write_alone
from forge_obs.database.errors import REFUSALS, KeyTaken
from forge_obs.database.rows.upsert import repeat_values
from forge_obs.database.statements import (
    NO_FACTS,
    Statement,
    build_commits,
    build_early_steps,
    get_facts_insert,
    get_new_insert,
)
from forge_obs.errors import is_about_the_entry
from forge_obs.model.entries import Before, Entry, Row
from forge_obs.model.rows import INTERACTIONS

_MOST_ROWS: Final = 64
"""How many rows one statement takes at most.

SQLite compiles a statement for each number of rows, so that only powers of two are used.
"""

_Item = TypeVar("_Item")


class Batch:
    """Entries that are written in one transaction.

    Attributes:
        entries: Clean rows, in their order.
        length: How long their texts are together, in characters.
        refusals: For each entry why no database takes it; None where it was written.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.length = sum(entry.length for entry in entries)
        self.refusals: list[Exception | None] = []

    def write(self, driver: sqlite3.Connection) -> None:
        """Write the entries, each with all that belongs to it or not at all.

        Args:
            driver: In a transaction that has the write lock.

        Raises:
            sqlite3.Error: The database is full, damaged or not writable.
        """
        self.refusals = []
        for group in _group(self.entries):
            for entries in _halve(group, _count_most(driver)):
                fresh = _insert_new(driver, entries) if len(entries) > 1 else frozenset[int]()
                self.refusals += [
                    None if place in fresh else _write_alone(driver, entry)
                    for place, entry in enumerate(entries)
                ]


def _group(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Group calls that follow one another and share no key: their order means nothing."""
    group: list[Entry] = []
    keys: set[object] = set()
    for entry in entries:
        own = _list_keys(entry)
        if not own or not keys or not keys.isdisjoint(own):
            yield group
            group, keys = [], set()
        group.append(entry)
        keys.update(own)
    yield group


def _list_keys(entry: Entry) -> list[object]:
    """List what a call may share with another; nothing for what is no call."""
    if entry.table != "interactions":
        return []
    return [entry.row["entry_id"], *([entry.call_key] if entry.has_call_key else [])]


def _halve(group: Sequence[_Item], most: int) -> Iterator[Sequence[_Item]]:
    """Split a list into parts whose sizes are powers of two."""
    while group:
        size = 1 << (min(len(group), most).bit_length() - 1)
        yield group[:size]
        group = group[size:]


def _count_most(driver: sqlite3.Connection) -> int:
    """Count the rows that a statement may take; an older SQLite knows fewer parameters."""
    most = driver.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    return max(1, min(_MOST_ROWS, most // len(INTERACTIONS)))


def _write_alone(driver: sqlite3.Connection, entry: Entry) -> Exception | None:
    """Write one entry as `record()` would; returns why no database takes it, if so."""
    refusal: Exception | None = None
    for commit in build_commits(entry):
        try:
            with _whole(driver):
                write_alone(driver, commit)
        except REFUSALS as error:
            if not is_about_the_entry(error):
                raise
            refusal = error
            if not isinstance(error, KeyTaken):
                break
        else:
            return None
    return refusal


def _insert_new(driver: sqlite3.Connection, entries: Sequence[Entry]) -> frozenset[int]:
    """Insert the calls whose keys no row has, with what belongs to them; returns their places."""
    try:
        with _whole(driver):
            ids = _insert_rows(driver, entries)
            _insert_facts(driver, {ids[n]: entries[n].facts for n in ids if entries[n].facts})
            _add_early_outcomes(driver, [entries[n] for n in ids])
    except REFUSALS as error:
        if not is_about_the_entry(error):
            raise
        return frozenset()  # one of them is at fault: each is tried alone
    return frozenset(ids)


def _insert_rows(driver: sqlite3.Connection, entries: Sequence[Entry]) -> dict[int, int]:
    """Insert rows whose keys are free; returns their ids by their places."""
    insert = get_new_insert()
    cursor = _insert(driver, insert, [insert.pick(entry.row) for entry in entries])
    count, last = cursor.rowcount, cursor.lastrowid or 0
    if count == len(entries):
        # Rows that one plain insert adds have ids that follow one another.
        return dict(enumerate(range(last - count + 1, last + 1)))
    if count <= 0:
        return {}
    query = "SELECT entry_id, id FROM interactions WHERE id > ?"
    ids: dict[object, int] = dict(driver.execute(query, (last - count,)).fetchall())
    places = {n: ids.pop(e.row["entry_id"], None) for n, e in enumerate(entries)}
    return {place: number for place, number in places.items() if number is not None}


def _insert_facts(driver: sqlite3.Connection, facts: dict[int, Row]) -> None:
    insert = get_facts_insert()
    rows = [(number, *insert.pick(NO_FACTS | known)) for number, known in facts.items()]
    for part in _halve(rows, len(rows)):
        _insert(driver, insert, part)


def _insert(
    driver: sqlite3.Connection, insert: Statement, rows: Sequence[tuple[object, ...]]
) -> sqlite3.Cursor:
    statement = repeat_values(insert.text, len(rows[0]), len(rows))
    return driver.execute(statement, tuple(chain.from_iterable(rows)))


def _add_early_outcomes(driver: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Add what came before new calls that others know of."""
    known = {e.row["entry_id"]: e for e in entries if e.before is Before.ANYTHING}
    if not known:
        return
    marks = ",".join("?" * len(known))
    query = f"SELECT entry_id FROM early_outcomes WHERE entry_id IN ({marks})"  # noqa: S608
    for (entry_id,) in driver.execute(query, tuple(known)).fetchall():
        follow(driver, build_early_steps(known[entry_id]), changed=True)


@contextmanager
def _whole(driver: sqlite3.Connection) -> Iterator[None]:
    """Undo what was begun of an entry that fails, and nothing else of the transaction."""
    driver.execute("SAVEPOINT entry")
    try:
        yield
    except REFUSALS:
        if driver.in_transaction:  # else SQLite has undone all of it
            driver.execute("ROLLBACK TO entry")
            driver.execute("RELEASE entry")
        raise
    driver.execute("RELEASE entry")
