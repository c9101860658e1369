"""The databases that this process has open: one engine per path, one writer at a time.

A process may go through thousands of them, and come back to each: only those that were used last
keep descriptors, and what nobody holds any more is forgotten. No idle connection crosses a fork:
they are closed before it, and the child starts over.

See D40.
"""

import os
import resource
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from sqlalchemy import Engine

from forge_obs.database.commits.database import Database, warn
from forge_obs.database.connections import identify
from forge_obs.database.engines import switch_journal
from forge_obs.database.errors import DRIVER_ERRORS, telling_errors
from forge_obs.database.files import prepare_file
from forge_obs.environment.process import get_network_file_system
from forge_obs.errors import StoreUnavailable
from forge_obs.fork_lock import ForkLock

WAL_BUDGET_S: Final = 10.0
"""How long opening a database may try to put it into WAL mode, in seconds."""

_MOST_IN_USE: Final = 32
"""Databases that keep descriptors, three or four each."""

_DESCRIPTORS_EACH: Final = 20
"""Of how many descriptors that a process may have one database is allowed to keep some."""

_open: WeakValueDictionary[Path, Database] = WeakValueDictionary()
"""What somebody holds, be it by its engine."""

_in_use: OrderedDict[str, Database] = OrderedDict()
"""What may keep descriptors by its path, used last at the end.

Threads change it without a lock, by steps that each are one: what another one did between two of
them costs no more than that a database is opened once more.
"""

_open_lock = ForkLock()
_inherited: list[Database] = []
_warned_of: set[Path] = set()


def get_engine(db_path: str | os.PathLike[str]) -> Engine:
    """Give this process's engine for a database file, making the file if it is missing.

    WAL mode, `synchronous=NORMAL`, a busy timeout, and transactions that take the write lock at
    once. The schema is not made: see `upgrade`.

    Raises:
        StoreUnreadable: The file is no database.
        StoreUnavailable: The file cannot be made or opened.
    """
    path = Path(db_path)
    with telling_errors(path):
        return open_database(path).engine


def open_database(path: Path, *, wal_budget_s: float = WAL_BUDGET_S) -> Database:
    """Give this process's handle of a database file, making the file if it is missing.

    A file that was removed or replaced since is left alone and the one at the path opened.

    Raises:
        OSError: The file or its directory cannot be made.
        StoreUnavailable: Another thread keeps opening a database.
        sqlite3.DatabaseError: The file is no database.
    """
    path = path.absolute()
    database = _open.get(path)
    if database is not None:
        if database.is_current():
            _note_use(database)
            return database
        database.retire(wait_s=wal_budget_s)
    with _open_lock.held(wal_budget_s + 1.0) as taken:
        if not taken:
            raise StoreUnavailable(f"database {path}: another thread keeps opening one")
        opened = _reopen(path, wal_budget_s)
        _note_use(opened)
        return opened


def get_writing(path: Path) -> Database | None:
    """Give the database of a path that is being written; its file may be gone since."""
    database = _in_use.get(str(path))
    return database if database is not None and database.is_writing else None


def keep_up(path: Path) -> None:
    """Wait a moment for the log of a database if it grew faster than it is moved. Hold no lock."""
    database = _open.get(path)
    if database is not None:
        database.checkpointer.keep_up()


def _reopen(path: Path, wal_budget_s: float) -> Database:
    database = _open.get(path)
    if database is not None and database.is_current():
        return database
    if database is not None:
        database.retire(wait_s=0.0)
    prepare_file(path)
    _choose_journal(path, wal_budget_s)
    identity = identify(os.fspath(path))
    if identity is None:
        raise StoreUnavailable(f"database {path} vanished while it was opened")
    _open[path] = opened = Database(path, identity, _note_use)
    return opened


def _choose_journal(path: Path, budget_s: float) -> None:
    """Use WAL mode, but on a file system where other machines may open the database, too."""
    network = get_network_file_system(path)
    if network is None:
        switch_journal(path, "wal", budget_s=budget_s)
        return
    switch_journal(path, "delete", budget_s=budget_s)
    if path not in _warned_of:
        _warned_of.add(path)
        warn("database %s is on %s: slower, since WAL mode is unsafe there", path, network)


def _note_use(database: Database) -> None:
    """Remember which databases were used last, and bound the descriptors of all others to none.

    One that is in use just now keeps its own until the next is opened.
    """
    name = str(database.path)
    _in_use[name] = database
    with suppress(KeyError):
        _in_use.move_to_end(name)
        for _ in range(len(_in_use) - _count_most_in_use()):
            _retire(*_in_use.popitem(last=False))


def _retire(name: str, database: Database) -> None:
    try:
        database.retire(wait_s=0.0, forget=True)
    except (StoreUnavailable, OSError, *DRIVER_ERRORS):
        _in_use.setdefault(name, database)


def _count_most_in_use() -> int:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return _MOST_IN_USE
    return max(2, min(_MOST_IN_USE, limit // _DESCRIPTORS_EACH))


def list_open() -> list[Database]:
    """List the databases that this process has opened and may come back to."""
    return list(_open.values())


def get_database(engine: Engine) -> Database | None:
    """Find the handle that an engine belongs to; None for an engine of somebody else."""
    database = _open.get(Path(engine.url.database or "").absolute())
    if database is None or database.engine is not engine:
        return None
    _note_use(database)
    return database


def close_databases(*, wait_s: float) -> None:
    """Checkpoint and close every database of this process; they reopen when they are needed.

    Args:
        wait_s: How long to wait for a writing thread, in seconds; its database stays open.
    """
    for database in list_open():
        with suppress(StoreUnavailable):
            with database.held(wait_s), suppress(*DRIVER_ERRORS):
                database.checkpoint()
            database.retire(wait_s=wait_s)


def _start_over() -> None:
    # Kept, never closed: what is left of them are copies of the parent's connections.
    _inherited.extend(_open.values())
    _open.clear()
    _in_use.clear()


os.register_at_fork(after_in_child=_start_over)
