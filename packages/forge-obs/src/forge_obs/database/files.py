"""The files of a SQLite database: make them, copy them, and write one anew without gaps."""

import os
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Final

from forge_obs.database.connections import Connection, side_files
from forge_obs.database.engines import BUSY_S, open_for_reading
from forge_obs.database.errors import is_busy
from forge_obs.environment import private_files

SHRINK_WAIT_S: Final = 30.0
"""How long to wait for other writers before a file is written anew, in seconds."""


def prepare_file(path: Path) -> None:
    """Make the database file and missing directories, readable by nobody else.

    SQLite gives `-wal` and `-shm` the mode of the database. Directories that exist are left as
    they are; an existing file is tightened if it is regular and ours. It is never opened here:
    closing any descriptor of it would drop the locks of every connection of this process.

    Raises:
        StoreUnavailable: It is no file, but a device.
        OSError: The file or a directory cannot be made.
    """
    private_files.refuse_device(path)
    path = path.resolve()  # a link may lead to a file that is yet to be made
    private_files.make_directory(path.parent)
    try:
        private_files.make_file(path)
    except FileExistsError:
        for file in (path, *side_files(path)):
            private_files.tighten(file)


def copy_database(source: Path, target: Path) -> None:
    """Copy a database of one moment into an empty file, in one transaction there.

    Writers are not kept waiting: a reader of a write-ahead log sees the moment it began.
    """
    with (
        closing(open_for_reading(source)) as reader,
        closing(Connection(target, "rw", BUSY_S)) as writer,
    ):
        reader.backup(writer)


def make_single(path: Path) -> None:
    """Put a database that nobody uses out of WAL mode, so that one file is all of it.

    In that mode even a reader needs to make files beside it, which a read-only place forbids.
    """
    with closing(Connection(path, "rw", BUSY_S)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


def is_mostly_free(path: Path) -> bool:
    """Return whether more than half of a database's pages hold nothing."""
    with closing(Connection(path, "rw", BUSY_S)) as connection:
        used = int(connection.execute("PRAGMA page_count").fetchone()[0])
        return int(connection.execute("PRAGMA freelist_count").fetchone()[0]) * 2 > used


def shrink(path: Path) -> str | None:
    """Give free pages back to the disk; tells what is in the way, if anything is.

    The file is written anew, for which SQLite needs as much space again in the temporary
    directory, and once more beside the file. Readers go on, writers wait.
    """
    with closing(Connection(path, "rw", SHRINK_WAIT_S)) as connection:
        used, free, size = (
            int(connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        if lack := _find_lack(path, (used - free) * size):
            return lack
        try:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:
            if is_busy(error):
                return "another program kept the database locked"
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                return "the disk became full meanwhile"
            raise
    return None


def _find_lack(path: Path, needed: int) -> str | None:
    """Tell where so many bytes for each of both copies are not free."""
    places = (path.resolve().parent, _get_temporary_directory())
    copies = Counter(place.stat().st_dev for place in places)
    for place in places:
        size_bytes = needed * copies[place.stat().st_dev]
        room = shutil.disk_usage(place).free
        if size_bytes > room:
            return f"that needs {size_bytes:,} bytes of free space in {place}, {room:,} are there"
    return None


def _get_temporary_directory() -> Path:
    """Choose as SQLite does (https://sqlite.org/tempfiles.html), which is not as Python does."""
    named = (os.environ.get(name) for name in ("SQLITE_TMPDIR", "TMPDIR"))
    places = [Path(place) for place in (*named, "/var/tmp", "/usr/tmp", "/tmp") if place]  # noqa: S108
    usable = (place for place in places if place.is_dir() and os.access(place, os.W_OK | os.X_OK))
    return next(usable, Path())
