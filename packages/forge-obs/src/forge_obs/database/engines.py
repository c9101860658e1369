"""How SQLite is opened: by engines of SQLAlchemy and by connections of the driver."""

import os
import random
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Literal, cast

from sqlalchemy import Connection, Engine, text

from forge_obs.database.connections import Connection as DriverConnection
from forge_obs.database.connections import (
    identify,
    let_forks_pass,
    list_connections,
    reserved_files,
)
from forge_obs.database.errors import is_busy
from forge_obs.database.private.engine import build_engine
from forge_obs.environment.private_files import refuse_device
from forge_obs.errors import StoreUnavailable

BUSY_S: Final = 5.0
"""How long a statement waits for a lock, in seconds, unless someone says otherwise."""

READ_ONLY: Final = {"forge_obs_begin": "DEFERRED"}
"""Execution options of a connection that only reads: it takes no write lock."""

_LONG_LOG_PAGES: Final = 32_768
"""From this length on a commit moves the log itself, since nobody else seems to: 128 MiB."""

_KEPT_LOG_BYTES: Final = 128_000_000
"""What is kept of the file of a log that starts over: overwriting is faster than extending."""

_NOT_WRITABLE: Final = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})
"""What SQLite says where it may not make the files that a log needs."""

_RETRY_S: Final = (0.005, 0.05)

_REVISION: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)
"""The name of a revision."""

_SHOWN: Final = 40
"""Characters that are shown of what is no such name."""


def create_write_engine(
    path: Path, wait_s: float = BUSY_S, connect: Callable[[], sqlite3.Connection] | None = None
) -> Engine:
    """Make an engine whose transactions take the write lock at once.

    It keeps no connection that is not in use: none may be open during a fork, and SQLAlchemy
    forgets, unclosed, one that comes back to a pool that was disposed of meanwhile.

    A deferred transaction that reads and then writes fails under contention whatever the timeout,
    since SQLite refuses to wait for a reader that turns into a writer.

    Args:
        path: The file, which exists.
        wait_s: How long a statement waits for a lock, in seconds; so does opening a connection.
        connect: Opens a connection instead.
    """
    return build_engine(path, connect or (lambda: connect_for_writing(path, wait_s)), _begin)


def connect_for_writing(path: Path, wait_s: float) -> sqlite3.Connection:
    """Open an existing file as every connection that writes has it.

    That reads the schema, for which it waits while another program lets nobody read.

    Raises:
        sqlite3.Error: The file cannot be opened or read, or stayed locked.
    """
    connection = DriverConnection(path, "rw", wait_s)
    with closing_on_error(connection):
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_LONG_LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit={_KEPT_LOG_BYTES}")
    return connection


@contextmanager
def closing_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    """Close a connection that cannot be prepared, for whatever reason.

    SQLite's own errors are not all: a message with a name from a damaged schema is no UTF-8, and
    the driver raises `UnicodeDecodeError` in its place.
    """
    try:
        yield
    except BaseException:
        connection.close()
        raise


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


def _set_journal(path: Path, target: str, *, wait_s: float) -> str:
    with closing(DriverConnection(path, "rw", wait_s)) as connection:
        mode = str(connection.execute("PRAGMA journal_mode").fetchone()[0])
        if mode != target:
            mode = str(connection.execute(f"PRAGMA journal_mode={target}").fetchone()[0])
    return mode


def create_read_engine(path: Path) -> Engine:
    """Make an engine that reads an existing file and neither creates, changes nor locks it.

    A file that must not be written is opened read-only. Text that is no UTF-8 comes back with
    surrogates in it. Connections are not kept: an open read transaction stops checkpoints.
    """
    return build_engine(path, lambda: open_for_reading(path))


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open an existing file for reading alone, as the driver's own connection.

    Raises:
        StoreUnavailable: It is a device or a pipe, which might wait for its other end; or its last
            rows stand in a log that cannot be read where it is.
        sqlite3.Error: It cannot be opened or read.
    """
    let_forks_pass()
    refuse_device(path)
    for mode in ("rw", "ro"):
        try:
            return _probe(path, mode)
        except sqlite3.OperationalError as error:
            if is_busy(error) or (mode == "ro" and not _lacks_memory(path, error)):
                raise
    return _open_immutable(path)


def _lacks_memory(path: Path, error: sqlite3.OperationalError) -> bool:
    """Return whether SQLite found no place for the memory that the users of a log share."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in _NOT_WRITABLE and _is_in_wal_mode(path)


def _is_in_wal_mode(path: Path) -> bool:
    """Read the mode from the header, see https://sqlite.org/fileformat2.html, section 1.3.

    Not where this process has the file open: closing it drops the locks of those connections.
    """
    here = identify(os.fspath(path))
    if any(connection.identity == here for connection in list_connections()):
        return False
    with path.open("rb") as file:
        return file.read(20)[18:] == b"\2\2"


def _open_immutable(path: Path) -> sqlite3.Connection:
    """Open a file in a read-only place, if all of its rows stand in it."""
    connection = _probe(path, "immutable")
    # Looked at afterwards: a log that came meanwhile would not be read either.
    wal, _, journal = reserved_files(path)
    log = next((file for file in (wal, journal) if _has_content(file)), None)
    if log is not None:
        connection.close()
        raise StoreUnavailable(
            f"database {path}: its last rows are in {log.name}, which cannot be read in a "
            "read-only place; copy both files to another one"
        )
    return connection


def _has_content(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


def _probe(path: Path, mode: str) -> sqlite3.Connection:
    """Open and read once: SQLite finds out at the first statement whether it may."""
    connection = DriverConnection(path, mode, BUSY_S)
    with closing_on_error(connection):
        connection.execute("PRAGMA query_only=ON")
        # Somebody else may have made the file: what its schema computes may call no function.
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    connection.text_factory = _decode
    return connection


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def list_columns(connection: Connection, table: str) -> list[str]:
    """Name the columns that a table has in this file, in order; empty if there is no table."""
    rows = connection.exec_driver_sql("SELECT name FROM pragma_table_info(?)", (table,))
    return [str(name) for (name,) in rows]


def get_revision(connection: Connection) -> str | None:
    """Read where the schema stands; None for a database without one.

    A stranger's file may say anything, which goes into messages: what is no name is shown in part.
    """
    if not list_columns(connection, "alembic_version"):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if revision is None:
        return None
    name = str(revision)
    return name if _REVISION.fullmatch(name) else f"{name[:_SHOWN]!a}..."


def quick_check(connection: Connection) -> list[str]:
    """Let SQLite examine the file; empty if it finds nothing wrong."""
    lines = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(20)")]
    return [] if lines == ["ok"] else lines
