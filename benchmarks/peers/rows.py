"""Copies of rows that a peer wrote itself, so that its tables fill quickly in its own form."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Call:
    """A call as every tool is given it; numbers begin with 1."""

    number: int
    prompt: str
    answer: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A row to be copied.

    Attributes:
        table: Where it stands.
        rowid: Which one it is.
        changes: The columns in which its copies differ from it and from each other.
    """

    table: str
    rowid: int
    changes: Sequence[str]

    def build_statement(self, connection: sqlite3.Connection) -> str:
        """Build what inserts a copy; a key that is not among the changes is SQLite's to give."""
        columns = connection.execute(f"PRAGMA table_info({self.table})").fetchall()
        names = [name for _, name, _, _, _, key in columns if name in self.changes or not key]
        quoted = ", ".join(f"quote({name})" for name in names)
        chosen = f"SELECT {quoted} FROM {self.table} WHERE rowid = {self.rowid}"  # noqa: S608
        literals = zip(names, connection.execute(chosen).fetchone(), strict=True)
        marks = {name: f"?{place}" for place, name in enumerate(self.changes, start=1)}
        values = ", ".join(marks.get(name, literal) for name, literal in literals)
        return f"INSERT INTO {self.table} ({', '.join(names)}) VALUES ({values})"  # noqa: S608


Copies = Iterable[tuple[Pattern, Sequence[object]]]
"""Patterns with the changed values of a copy each, in the order in which they are inserted."""


def insert_copies(connection: sqlite3.Connection, copies: Copies) -> None:
    """Insert copies of rows, however many."""
    statements: dict[Pattern, str] = {}
    for pattern, values in copies:
        if pattern not in statements:
            statements[pattern] = pattern.build_statement(connection)
        connection.execute(statements[pattern], values)


@contextmanager
def filling(path: Path) -> Iterator[sqlite3.Connection]:
    """Fill a database in one transaction, without waiting for the disk."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-400000")
        connection.execute("BEGIN")
        yield connection
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
