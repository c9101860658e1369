"""What SQLite and its driver raise, and what that means for a store."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from sqlalchemy.exc import DBAPIError

from forge_obs.errors import StoreNewer, StoreUnavailable, StoreUnreadable
from forge_obs.model.columns import REVISIONS

KeyTaken: TypeAlias = sqlite3.IntegrityError
"""Raised for a row whose other key belongs to another row."""

DRIVER_ERRORS: Final = (sqlite3.Error, DBAPIError)
"""What a broken, locked or full database raises, in the driver's words or in SQLAlchemy's."""

REFUSALS: Final = (*DRIVER_ERRORS, ValueError, OverflowError)
"""What the driver says about a statement, or about a value that it cannot pass on."""

_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_FAILED_WRITES: Final = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC}
)


def is_busy(error: BaseException | None) -> bool:
    """Return whether SQLite gave up waiting for a lock."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _BUSY


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
        # A damaged schema may have names that the driver cannot decode.
        damaged = sqlite3.SQLITE_CORRUPT if isinstance(cause, UnicodeDecodeError) else 0
        code = getattr(cause, "sqlite_errorcode", damaged) & 0xFF
        word = getattr(cause, "sqlite_errorname", None) or getattr(cause, "strerror", None)
        message = f"database {path}: {word or type(cause).__name__}"
        kind = StoreUnreadable if code in _DAMAGED else StoreUnavailable
        raise kind(f"{message}; {_advice(code, path)}") from error


@contextmanager
def telling_failed_writes(path: Path) -> Iterator[None]:
    """Name the one database that a block writes where a write fails, and not one that it reads.

    Raises:
        StoreUnavailable: The database could not be written.
    """
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) not in _FAILED_WRITES:
            raise
        with telling_errors(path):
            raise


def refuse_newer(path: Path, revision: str | None) -> None:
    """Raise if this version does not know the revision.

    Raises:
        StoreNewer: It does not.
    """
    if revision is not None and revision not in REVISIONS:
        raise StoreNewer(str(path), revision)


def _advice(code: int, path: Path) -> str:
    if os.path.isdir(path):  # noqa: PTH112 - which never raises
        return "it is a directory: choose a file in it"
    if code in _DAMAGED:
        return "it is damaged or no SQLite database: move it away, a new one is made"
    if code in _BUSY:
        return "another program keeps it locked"
    if code == sqlite3.SQLITE_ERROR:
        return "its schema is missing or incomplete: upgrade the database"
    return "check the path, its permissions and the free space"
