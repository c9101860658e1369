"""Every connection to SQLite that this process has open, and what a fork does to them.

SQLite keeps the locks of a process in tables that a child inherits. A child that opens a file
which its parent had open during the fork takes no lock on it, and the parent, which believes that
it is alone, may remove the log that the child commits to. So a fork waits a moment for those who
read or write, and a file that was open nevertheless is refused to the child.

See D66.
"""

import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Final, TypeAlias
from weakref import ref

from forge_obs import fork_lock as locks
from forge_obs.errors import StoreUnavailable

Identity: TypeAlias = tuple[int, int]
"""Device and inode of a file: what SQLite, too, knows it by."""

_WAIT_S: Final = 0.5
"""How long a fork waits for connections that are in use, in seconds."""

_LOOK_S: Final = 0.001

_END_OF_NAME: Final = bytes.fromhex("d9d505f920a163d7")
"""What a rollback journal ends in that names another one (https://sqlite.org/fileformat2.html)."""


class Connection(sqlite3.Connection):
    """A connection of the driver that a fork knows about.

    Args:
        path: The file, which exists: one that SQLite makes would be readable by everybody.
        mode: `rw`, `ro`, or `immutable` for a file that nobody writes, whose log is not looked at.
        wait_s: How long a statement waits for a lock, in seconds.

    Raises:
        StoreUnavailable: The file was open when this process was forked; or the journal beside it
            names a file, which SQLite would delete.
        sqlite3.Error: It cannot be opened.
    """

    def __init__(self, path: Path, mode: str, wait_s: float) -> None:
        self.thread = threading.get_ident()
        self.identity = identify(os.fspath(path))
        if self.identity in _refused:
            raise StoreUnavailable(f"database {path} was in use when this process was forked")
        if mode != "immutable":
            _refuse_super_journal(path)
        key = id(self)
        _open[key] = ref(self, lambda _: _open.pop(key, None))
        options = "mode=ro&immutable=1" if mode == "immutable" else f"mode={mode}"
        # A program may have asked for caches that all connections share, and with them their locks.
        super().__init__(
            f"{path.absolute().as_uri()}?{options}&cache=private",
            uri=True,
            timeout=max(0.0, wait_s),
            isolation_level=None,
            check_same_thread=False,
        )

    def close(self) -> None:
        """Close the connection; in a child, leave one of its parent alone."""
        if self not in _inherited:
            super().close()
            _open.pop(id(self), None)


_open: Final[dict[int, "ref[Connection]"]] = {}
_refused: Final[set[Identity]] = set()
_inherited: Final[list[Connection]] = []
"""In a child: kept for ever, since the end of one would close it."""


def side_files(path: Path) -> list[Path]:
    """Name the files that SQLite keeps beside a database in WAL mode, following links."""
    file = path.resolve()
    return [file.with_name(f"{file.name}{suffix}") for suffix in ("-wal", "-shm")]


def reserved_files(path: Path) -> list[Path]:
    """Name the files that SQLite makes beside a database, whatever its mode."""
    file = path.resolve()
    return [*side_files(path), file.with_name(f"{file.name}-journal")]


def identify(path: str) -> Identity | None:
    """Tell which file stands at a path; None if there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - on the path of every record
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino


def list_connections() -> list[Connection]:
    """List the connections that are open."""
    connections = (reference() for reference in list(_open.values()))
    return [connection for connection in connections if connection is not None]


def _refuse_super_journal(path: Path) -> None:
    """Raise if a journal beside a database names a file that ties several databases together.

    SQLite ends the rollback of such a journal by deleting that file, whatever it is, even for one
    who only reads. Forge writes one database at a time, and so makes no such journal.
    """
    journal = os.path.realpath(path) + "-journal"
    try:
        with open(journal, "rb") as file:  # noqa: PTH123 - on the path of every record
            _ = file.seek(-len(_END_OF_NAME), os.SEEK_END)
            if file.read() != _END_OF_NAME:
                return
    except OSError:  # there is none, or it is shorter
        return
    raise StoreUnavailable(
        f"database {path}: {os.path.basename(journal)} names another file, which opening the "  # noqa: PTH119
        "database could delete: ask whoever gave it to you for a store without that journal"
    )


def let_forks_pass() -> None:
    """Wait until no fork is under way, before a read begins. Hold no lock.

    A thread that reads already goes on: the fork waits for it.
    """
    here = threading.get_ident()
    if not any(connection.thread == here for connection in list_connections()):
        locks.wait_for_fork()


def _wait_for_others() -> None:
    """Before a fork, wait until no other thread has a connection, for a moment at most."""
    give_up = time.monotonic() + _WAIT_S
    here = threading.get_ident()
    while any(connection.thread != here for connection in list_connections()):
        if time.monotonic() >= give_up:
            return
        time.sleep(_LOOK_S)


def _refuse_inherited() -> None:
    """In a child, leave the parent's connections alone, and their files."""
    _inherited.extend(list_connections())
    _open.clear()
    _refused.update(entry.identity for entry in _inherited if entry.identity is not None)


locks.call_last(_wait_for_others, _refuse_inherited)
