"""Everything that only SQLite does: files and their modes, pragmas, locks, and its SQL dialect.

The rest of forge_obs talks SQLAlchemy Core and comes here for what another database would do
differently.
"""

import os
import random
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast

from sqlalchemy import (
    URL,
    ColumnCollection,
    ColumnElement,
    Connection,
    Engine,
    Table,
    case,
    create_engine,
    event,
    func,
    literal_column,
    or_,
    pool,
)
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError

from forge_obs.database.connections import Connection as DriverConnection
from forge_obs.database.connections import let_forks_pass
from forge_obs.errors import StoreUnavailable, StoreUnreadable
from forge_obs.model.columns import NO_RESULT, PROVIDER, RUNNING, STARTED, TABLES, Column, Merge

NOW: Final = "(strftime('%Y-%m-%dT%H:%M:%fZ','now'))"
"""Default of a moment in a row that another writer inserts."""

BUSY_S: Final = 5.0
"""How long a statement waits for a lock, in seconds, unless someone says otherwise."""

KeyTaken: TypeAlias = sqlite3.IntegrityError
"""Raised for a row whose other key belongs to another row."""

DRIVER_ERRORS: Final = (sqlite3.Error, DBAPIError)
"""What a broken, locked or full database raises, in the driver's words or in SQLAlchemy's."""

READ_ONLY: Final = {"forge_obs_begin": "DEFERRED"}
"""Execution options of a connection that only reads: it takes no write lock."""

Value: TypeAlias = ColumnElement[Any]
Columns: TypeAlias = ColumnCollection[str, Any]

_LONG_LOG_PAGES: Final = 32_768
"""From this length on a commit moves the log itself, since nobody else seems to: 128 MiB."""

_KEPT_LOG_BYTES: Final = 128_000_000
"""What is kept of the file of a log that starts over: overwriting is faster than extending."""

_RETRY_S: Final = (0.005, 0.05)
_PRIVATE_FILE: Final = 0o600
_PRIVATE_DIRECTORY: Final = 0o700
_SIDE_FILES: Final = ("-wal", "-shm")
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@contextmanager
def telling_errors(path: Path) -> Iterator[None]:
    """Turn what the system, SQLite and SQLAlchemy raise about a database into a store's error.

    Raises:
        StoreUnreadable: The file is no database, or damaged.
        StoreUnavailable: Anything else.
    """
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError, ValueError) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        word = getattr(cause, "sqlite_errorname", None) or getattr(cause, "strerror", None)
        message = f"database {path}: {word or type(cause).__name__}"
        kind = StoreUnreadable if code in _DAMAGED else StoreUnavailable
        raise kind(f"{message}; {_advice(code)}") from error


def _advice(code: int) -> str:
    if code in _DAMAGED:
        return "it is damaged or no SQLite database: move it away, a new one is made"
    if code in _BUSY:
        return "another program keeps it locked"
    if code == sqlite3.SQLITE_ERROR:
        return "its schema is missing or incomplete: upgrade the database"
    return "check the path, its permissions and the free space"


def prepare_file(path: Path) -> None:
    """Make the database file and missing directories, readable by nobody else.

    SQLite gives `-wal` and `-shm` the mode of the database. Directories that exist are left as
    they are; an existing file is tightened if it is regular and ours. It is never opened here:
    closing any descriptor of it would drop the locks of every connection of this process.

    Raises:
        OSError: The file or a directory cannot be made.
    """
    path = path.resolve()  # a link may lead to a file that is yet to be made
    _make_directories(path.parent)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
    except FileExistsError:
        _tighten(path)
        return
    with closing(os.fdopen(descriptor)):
        os.fchmod(descriptor, _PRIVATE_FILE)


def _make_directories(directory: Path) -> None:
    for missing in reversed([p for p in (directory, *directory.parents) if not p.exists()]):
        try:
            missing.mkdir(mode=_PRIVATE_DIRECTORY)
        except FileExistsError:
            continue
        missing.chmod(_PRIVATE_DIRECTORY)


def _tighten(path: Path) -> None:
    for file in (path, *side_files(path)):
        try:
            found = file.stat()
        except FileNotFoundError:
            continue
        ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        if ours and stat.S_IMODE(found.st_mode) != _PRIVATE_FILE:
            file.chmod(_PRIVATE_FILE)


def side_files(path: Path) -> list[Path]:
    """Name the files that SQLite keeps beside a database in WAL mode, following links."""
    file = path.resolve()
    return [file.with_name(file.name + suffix) for suffix in _SIDE_FILES]


def create_write_engine(path: Path, *, pooled: bool = True, wait_s: float = BUSY_S) -> Engine:
    """Make an engine whose transactions take the write lock at once.

    A deferred transaction that reads and then writes fails under contention whatever the timeout,
    since SQLite refuses to wait for a reader that turns into a writer.

    Args:
        path: The file, which exists.
        pooled: Keep connections that are not in use.
        wait_s: How long a statement waits for a lock, in seconds; so does opening a connection.
    """
    engine = create_engine(
        URL.create("sqlite", database=os.fspath(path)),
        creator=lambda: connect_for_writing(path, wait_s),
        hide_parameters=True,
        poolclass=pool.QueuePool if pooled else pool.NullPool,
    )
    event.listen(engine, "begin", _begin)
    return engine


def connect_for_writing(path: Path, wait_s: float) -> sqlite3.Connection:
    """Open an existing file as every connection that writes has it.

    That reads the schema, for which it waits while another program lets nobody read.

    Raises:
        sqlite3.Error: The file cannot be opened or read, or stayed locked.
    """
    connection = DriverConnection(path, "rw", wait_s)
    try:
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_LONG_LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit={_KEPT_LOG_BYTES}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("forge_obs_begin", "IMMEDIATE")
    driver = cast("sqlite3.Connection", connection.connection.driver_connection)
    driver.execute(f"BEGIN {mode}")


def switch_journal(path: Path, mode: Literal["wal", "delete"], *, budget_s: float) -> bool:
    """Put the database into WAL mode or out of it; False if it stays as it was, which still works.

    SQLite reports a locked database at once here, whatever the busy timeout, when several
    processes open a file for the first time together; hence the retries, for `budget_s` seconds.

    Raises:
        sqlite3.DatabaseError: The file cannot be opened or is no database.
    """
    give_up = time.monotonic() + budget_s
    while True:
        try:
            return _set_journal(path, mode, wait_s=min(budget_s, 1.0)) == mode
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            if time.monotonic() > give_up:
                return False
        time.sleep(random.uniform(*_RETRY_S))  # noqa: S311 - jitter is no secret


def _set_journal(path: Path, wanted: str, *, wait_s: float) -> str:
    with closing(DriverConnection(path, "rw", wait_s)) as connection:
        mode = str(connection.execute("PRAGMA journal_mode").fetchone()[0])
        if mode != wanted:
            mode = str(connection.execute(f"PRAGMA journal_mode={wanted}").fetchone()[0])
    return mode


def is_busy(error: BaseException | None) -> bool:
    """Tell whether SQLite gave up waiting for a lock."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _BUSY


def create_read_engine(path: Path) -> Engine:
    """Make an engine that reads an existing file and neither creates, changes nor locks it.

    A file that must not be written is opened read-only. Text that is no UTF-8 comes back with
    surrogates in it. Connections are not kept: an open read transaction stops checkpoints.
    """
    return create_engine(
        URL.create("sqlite", database=os.fspath(path)),
        creator=lambda: open_for_reading(path),
        hide_parameters=True,
        poolclass=pool.NullPool,
    )


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open an existing file for reading alone, as the driver's own connection.

    Raises:
        StoreUnreadable: It is a pipe.
        sqlite3.Error: It cannot be opened or read.
    """
    let_forks_pass()
    if path.is_fifo():  # opening it would wait for its other end
        raise StoreUnreadable(f"database {path} is a pipe: move it away, a new one is made")
    try:
        return _probe(path, "rw")
    except sqlite3.OperationalError as error:
        if is_busy(error):
            raise
        return _probe(path, "ro")


def _probe(path: Path, mode: str) -> sqlite3.Connection:
    """Open and read once: SQLite finds out at the first statement whether it may."""
    connection = DriverConnection(path, mode, BUSY_S)
    try:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    connection.text_factory = _decode
    return connection


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def list_columns(connection: Connection, table: str) -> list[str]:
    """Name the columns that a table has in this file, in order; empty if there is no table."""
    found = connection.exec_driver_sql("SELECT name FROM pragma_table_info(?)", (table,))
    return [str(name) for (name,) in found]


def quick_check(connection: Connection) -> list[str]:
    """Let SQLite examine the file; empty if it finds nothing wrong."""
    found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(20)")]
    return [] if found == ["ok"] else found


def build_upsert(table: Table, target: Sequence[Value]) -> tuple[str, list[str]]:
    """Write the statement that inserts a row or merges it into the one with the same key.

    One statement knows one key: SQLite understands several only from 3.35 on, PostgreSQL never.

    Returns:
        The statement text and the columns in the order of its parameters.
    """
    statement = insert(table)
    new = statement.excluded
    merged = statement.on_conflict_do_update(
        index_elements=list(target),
        set_={column.name: _merged(table, new, column) for column in TABLES[table.name]},
        where=_unsettled(table, new),
    )
    names = [column.name for column in TABLES[table.name]]
    compiled = merged.compile(dialect=sqlite_dialect(), column_keys=names)
    return str(compiled), list(compiled.positiontup or [])


@lru_cache(maxsize=128)
def repeat_values(statement: str, width: int, rows: int) -> str:
    """Let an insert of one row take several, whose parameters follow one another.

    Args:
        statement: Text of `build_upsert`.
        width: How many parameters a row has.
        rows: How many rows it shall take.
    """
    row = f"({', '.join('?' * width)})"
    return statement.replace(f"VALUES {row}", f"VALUES {', '.join([row] * rows)}", 1)


def _merged(table: Table, new: Columns, column: Column) -> Value:
    """Say what becomes of a column; a run that was seen later already gets only what it lacks."""
    merge = _MERGES[column.merge]
    value = merge(new[column.name], table.c[column.name], new)
    if table.name != "runs":
        return value
    late = new["seen_at"] < table.c["seen_at"]
    return case((late, merge(table.c[column.name], new[column.name], table.c)), else_=value)


def _unsettled(table: Table, new: Columns) -> ColumnElement[bool]:
    """Keep an unfinished entry from changing a finished one."""
    open_status: Value = literal_column(f"'{RUNNING if table.name == 'runs' else STARTED}'")
    return or_(new["status"] != open_status, table.c["status"] == open_status)


def _fill(new: Value, old: Value, _row: Columns) -> Value:
    return func.coalesce(func.nullif(new, literal_column("''")), old)


def _first(new: Value, old: Value, _row: Columns) -> Value:
    return func.coalesce(old, new)


def _measured(new: Value, old: Value, row: Columns) -> Value:
    return case((row["usage_known"] == literal_column("1"), new), else_=old)


def _answering(new: Value, old: Value, row: Columns) -> Value:
    stands_in = (new == row["request_model"]) & (old != literal_column("''"))
    return case((stands_in, old), else_=_fill(new, old, row))


def _origin(new: Value, old: Value, _row: Columns) -> Value:
    return case((new == literal_column(f"'{PROVIDER}'"), old), else_=new)


def _nonzero(new: Value, old: Value, _row: Columns) -> Value:
    return case((new > literal_column("0"), new), else_=old)


def _fill_object(new: Value, old: Value, _row: Columns) -> Value:
    return func.coalesce(func.nullif(new, literal_column(f"'{NO_RESULT}'")), old)


_MERGES: Final[Mapping[Merge, Callable[[Value, Value, Columns], Value]]] = {
    Merge.FILL: _fill,
    Merge.FIRST: _first,
    Merge.MEASURED: _measured,
    Merge.ANSWERING: _answering,
    Merge.ORIGIN: _origin,
    Merge.NONZERO: _nonzero,
    Merge.FILL_OBJECT: _fill_object,
}
