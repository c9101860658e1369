"""Faults of a database file, made for real and undone."""

import contextlib
import ctypes
import os
import resource
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from support.store import locked

Undo = Callable[[], None]

_CLONE_NEWNS = 0x20000


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        make: Makes it for a database that exists, and gives what ends it.
        heals: `record()` helps itself, so that nothing has to wait.
        permission: It means nothing to root.
        private: It needs a mount namespace of its own, and root.
    """

    name: str
    make: Callable[[Path], Undo]
    heals: bool = False
    permission: bool = False
    private: bool = False

    def __str__(self) -> str:
        return self.name


def _files(db: Path) -> list[Path]:
    return [db, db.with_name(db.name + "-wal"), db.with_name(db.name + "-shm")]


def _move_away(db: Path) -> None:
    """End a damage as its message advises."""
    for file in _files(db):
        if file.exists():
            file.rename(file.with_name(f"damaged-{file.name}"))


def _directory_missing(db: Path) -> Undo:
    db.parent.rename(db.parent.with_name("elsewhere"))
    return lambda: None


def _directory_read_only(db: Path) -> Undo:
    db.parent.chmod(0o500)
    return lambda: db.parent.chmod(0o700)


def _directory_read_only_and_empty(db: Path) -> Undo:
    for file in _files(db):
        file.unlink(missing_ok=True)
    return _directory_read_only(db)


def _directory_is_a_file(db: Path) -> Undo:
    _directory_missing(db)
    db.parent.touch()
    return db.parent.unlink


def _is_a_directory(db: Path) -> Undo:
    _move_away(db)
    db.mkdir()
    return db.rmdir


def _is_a_fifo(db: Path) -> Undo:
    _move_away(db)
    os.mkfifo(db)
    return db.unlink


def _dangling_link(db: Path) -> Undo:
    _move_away(db)
    db.symlink_to(db.parent / "new" / "place.db")
    return lambda: None


def _link_to_a_place_that_cannot_be(db: Path) -> Undo:
    _move_away(db)
    db.symlink_to("/proc/forge/place.db")
    return db.unlink


def _mode(mode: int) -> Callable[[Path], Undo]:
    def make(db: Path) -> Undo:
        # An existing file of ours is tightened to 0600, so that it must be somebody else's: the
        # owner of the directory cannot change its mode.
        db.chmod(mode)
        db.parent.chmod(0o500)

        def undo() -> None:
            db.parent.chmod(0o700)
            db.chmod(0o600)

        return undo

    return make


def _overwrite(content: bytes) -> Callable[[Path], Undo]:
    def make(db: Path) -> Undo:
        with db.open("r+b") as file:
            file.write(content)
        return lambda: _move_away(db)

    return make


def _cut(divisor: int) -> Callable[[Path], Undo]:
    def make(db: Path) -> Undo:
        os.truncate(db, db.stat().st_size // divisor if divisor else 0)
        return lambda: _move_away(db)

    return make


def _no_database(db: Path) -> Undo:
    _move_away(db)
    db.write_text("this is no database at all " * 500)
    return db.unlink


def _table_missing(db: Path) -> Undo:
    _execute(db, "ALTER TABLE interactions RENAME TO gone")
    return lambda: _execute(db, "ALTER TABLE gone RENAME TO interactions")


def _schema_newer(db: Path) -> Undo:
    with closing(sqlite3.connect(db)) as connection:
        [head] = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    _execute(db, "UPDATE alembic_version SET version_num = '999_future'")
    return lambda: _execute(db, f"UPDATE alembic_version SET version_num = '{head}'")  # noqa: S608


def _execute(db: Path, statement: str) -> None:
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute(statement)


def _deleted(db: Path) -> Undo:
    for file in _files(db):
        file.unlink(missing_ok=True)
    return lambda: None


def _replaced(db: Path) -> Undo:
    other = db.with_name("other.db")
    other.touch(0o600)
    other.replace(db)
    return lambda: None


def _locked(db: Path) -> Undo:
    stack = contextlib.ExitStack()
    stack.enter_context(locked(db))
    return stack.close


def _locked_for_readers(journal: str) -> Callable[[Path], Undo]:
    """Keep others from reading, too: a new connection can do nothing at all."""

    def make(db: Path) -> Undo:
        other = sqlite3.connect(db, isolation_level=None)
        other.execute(f"PRAGMA journal_mode={journal}")
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        return other.close

    return make


def _no_descriptors(_db: Path) -> Undo:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    taken: list[int] = []
    with contextlib.suppress(OSError):
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))

    def undo() -> None:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    return undo


def _file_size_limit(_db: Path) -> Undo:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, resource.RLIM_INFINITY))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)


def _full_disk(db: Path) -> Undo:
    """Fill a small file system, with the database on it."""
    content = db.read_bytes()
    mount_small(db.parent, size="1m")
    db.touch(0o600)
    db.write_bytes(content)
    filler = db.with_name("filler")
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    return filler.unlink


def mount_small(place: Path, *, size: str) -> None:
    """Mount a small file system that only this process sees; needs root."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS):
        raise NotImplementedError(os.strerror(ctypes.get_errno()))
    _mount("--make-rprivate", "/")
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))


def _mount(*args: str) -> None:
    subprocess.run(["mount", *args], check=True, capture_output=True)


FAULTS = [
    Fault("directory missing", _directory_missing, heals=True),
    Fault("directory read-only", _directory_read_only, permission=True),
    Fault("directory read-only, no database", _directory_read_only_and_empty, permission=True),
    Fault("directory is a file", _directory_is_a_file),
    Fault("is a directory", _is_a_directory),
    Fault("no space: full tmpfs", _full_disk, private=True),
    Fault("no space: file size limit", _file_size_limit),
    Fault("no descriptors", _no_descriptors),
    Fault("fifo", _is_a_fifo),
    Fault("dangling link", _dangling_link, heals=True),
    Fault("link to nowhere that can be", _link_to_a_place_that_cannot_be),
    Fault("mode 0444", _mode(0o444), permission=True),
    Fault("mode 0000", _mode(0o000), permission=True),
    Fault("header overwritten", _overwrite(b"\xa5" * 100)),
    Fault("cut in half", _cut(2)),
    Fault("zero bytes", _cut(0), heals=True),
    Fault("not a database", _no_database),
    Fault("table missing", _table_missing),
    Fault("schema newer", _schema_newer),
    Fault("deleted", _deleted, heals=True),
    Fault("replaced", _replaced, heals=True),
    Fault("locked", _locked),
    Fault("locked for readers, WAL", _locked_for_readers("wal")),
    Fault("locked for readers, rollback journal", _locked_for_readers("delete")),
]
"""Every fault, for a database that no process has open."""

UNDER_AN_OPEN_CONNECTION = [
    fault
    for fault in FAULTS
    if fault.name
    in {
        *("directory missing", "header overwritten", "cut in half", "zero bytes", "table missing"),
        *("deleted", "replaced", "locked", "no descriptors"),
        *("no space: file size limit", "directory read-only", "not a database", "is a directory"),
        *("schema newer", "fifo", "dangling link", "directory is a file"),
    }
]
"""Those that a process may meet while it is writing."""
