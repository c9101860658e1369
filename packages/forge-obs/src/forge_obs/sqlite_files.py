"""What SQLite does with a whole database file: copy it, and write it anew without gaps."""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

from forge_obs import sqlite

SHRINK_WAIT_S: Final = 30.0
"""How long to wait for other writers before a file is written anew, in seconds."""


def reserved_files(path: Path) -> list[Path]:
    """Name the files that SQLite makes beside a database, whatever its mode."""
    file = path.resolve()
    return [*sqlite.side_files(path), file.with_name(f"{file.name}-journal")]


def copy_database(source: Path, target: Path) -> None:
    """Copy a database of one moment into an empty file, in one transaction there.

    Writers are not kept waiting: a reader of a write-ahead log sees the moment it began.
    """
    with (
        closing(sqlite.open_for_reading(source)) as reader,
        closing(sqlite.connect(target, sqlite.BUSY_S)) as writer,
    ):
        reader.backup(writer)


def shrink(path: Path) -> str | None:
    """Give free pages back to the disk; tells what is in the way, if anything is.

    The file is written anew, for which SQLite needs as much space again beside it and in the
    temporary directory. Readers go on, writers wait.
    """
    with closing(sqlite.connect(path, SHRINK_WAIT_S)) as connection:
        used, free, size = (
            int(connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        needed = (used - free) * size
        room = min(shutil.disk_usage(place).free for place in (path.parent, tempfile.gettempdir()))
        if needed > room:
            return f"that needs {needed:,} bytes of free space, {room:,} are there"
        try:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:
            if not sqlite.is_busy(error):
                raise
            return "another program kept the database locked"
    return None
