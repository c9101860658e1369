"""Stores to hand over: some runs in a file of their own, and such a file merged into a store.

A store that somebody else made is hostile input: its schema may not call functions, only tables are
read and only columns that are known, values are cleaned as `record()` cleans them, and nothing is
unpacked beyond a bound. See D92.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine

from forge_obs.database.engines import connect_for_writing, open_for_reading
from forge_obs.database.errors import telling_errors
from forge_obs.database.files import make_single
from forge_obs.database.private.engine import build_engine
from forge_obs.database.rows.archived import FrameCache
from forge_obs.environment import private_files
from forge_obs.errors import StoreError, StoreUnavailable, StoreUnreadable
from forge_obs.model.rows import FACTS, INTERACTIONS, RUNS, Interaction, Run
from forge_obs.model.sanitize import format_time
from forge_obs.store.queries import Query, fetch
from forge_obs.store.reader import StoreReader
from forge_obs.store.save import get_engine, save_interaction, save_run_columns, upgrade

MOST_ROW_BYTES: Final = 100_000_000
"""Size of a value, and of a row, of a stranger's store beyond which it is left out."""

MOST_FRAME_BYTES: Final = 200_000_000
"""Size of the text of a stranger's frame beyond which it is not unpacked."""

_ROWS_A_READ: Final = 20

_BEFORE_ALL: Final = -(2**63)
"""The least id there can be; no row that Forge makes has one below 1."""

_TABLES: Final = ("runs", "interactions", "call_facts", "archives", "alembic_version")

Redact = Callable[[Any], Any]
"""Returns a row as it is to be handed over."""


@dataclass(frozen=True)
class Transfer:
    """What was copied or merged."""

    runs: int = 0
    calls: int = 0
    unreadable: int = 0
    """Rows that were left out, since they cannot be read."""


def export_runs(
    db_path: str | os.PathLike[str],
    workflow_ids: Sequence[str],
    target: str | os.PathLike[str],
    redact: Redact | None = None,
) -> Transfer:
    """Copy runs with all their calls into a new store, readable by its owner alone.

    Args:
        db_path: The store.
        workflow_ids: The workflows whose runs are copied.
        target: The new file.
        redact: Takes secrets out of a row, such as `Redactor.redact`.

    Raises:
        FileExistsError: There is something at `target` already; it is left as it is.
        OSError: Nothing can be made there.
        StoreError: The store cannot be read, or the new one not be written.
    """
    reader, path = StoreReader.open(db_path), Path(target)
    if reader is None:
        raise StoreUnavailable(f"there is no database at {db_path}")
    private_files.make_file(path)
    try:
        upgrade(path)
        with telling_errors(path), closing(connect_for_writing(path, 0.0)) as driver:
            transfer = _copy(reader, workflow_ids, driver, redact or (lambda row: row))
        make_single(path)
    except BaseException:
        _remove(path)
        raise
    return transfer


def _copy(
    reader: StoreReader,
    workflow_ids: Sequence[str],
    driver: sqlite3.Connection,
    redact: Redact,
) -> Transfer:
    runs = calls = unreadable = 0
    driver.execute("BEGIN IMMEDIATE")
    for workflow_id in workflow_ids:
        for run_id in reader.list_run_ids(workflow_id):
            run = reader.get_run(workflow_id, run_id)
            if run is None or run.broken:
                unreadable += 1
                continue
            _insert(driver, "runs", _read_columns(redact(run), RUNS))
            runs += 1
        for call in reader.iterate_interactions(workflow_id):
            if call.broken:
                unreadable += 1
                continue
            handed = redact(call)
            number = _insert(driver, "interactions", _read_columns(handed, INTERACTIONS))
            facts = _read_columns(handed, FACTS)
            if any(value is not None for value in facts.values()):
                _insert(driver, "call_facts", {"interaction_id": number, **facts})
            calls += 1
    driver.execute("COMMIT")
    return Transfer(runs, calls, unreadable)


def _read_columns(row: Interaction | Run, columns: Iterable[Any]) -> dict[str, object]:
    values = {column.name: getattr(row, column.name) for column in columns}
    return {
        name: format_time(value) if hasattr(value, "tzinfo") else value
        for name, value in values.items()
    }


def _insert(driver: sqlite3.Connection, table: str, values: Mapping[str, object]) -> int:
    places = ", ".join("?" * len(values))
    statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})"  # noqa: S608
    return int(driver.execute(statement, tuple(values.values())).lastrowid or 0)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def import_store(db_path: str | os.PathLike[str], source: str | os.PathLike[str]) -> Transfer:
    """Merge the rows of another store into this one; twice is once.

    A call is known by its `entry_id`, a run by its workflow and run id. One that is there already
    is merged with the new one as if it had been recorded again; a different call with the same key
    gets a row of its own. Rows that cannot be read are left out.

    Args:
        db_path: The store, which is made if it is missing.
        source: The other one, which is not changed.

    Raises:
        StoreNewer: A newer version wrote the other store.
        StoreUnreadable: It is no store.
        StoreError: This one cannot be written; what was merged by then stays.
    """
    path, other = Path(db_path), Path(source)
    if other.resolve() == path.resolve():
        raise StoreUnavailable(f"{other} is the database itself: choose another file")
    foreign = build_engine(other, lambda: _open_foreign(other))
    _require_tables(other, foreign)
    upgrade(path)
    engine = get_engine(path)
    runs = calls = unreadable = 0
    for values in _iterate(foreign, "runs"):
        is_merged = _merge(partial(save_run_columns, engine, **_known(values, RUNS)), values)
        runs, unreadable = runs + is_merged, unreadable + (not is_merged)
    for values in _iterate(foreign, "interactions"):
        is_merged = _merge(partial(save_interaction, engine, **_read_call(values)), values)
        calls, unreadable = calls + is_merged, unreadable + (not is_merged)
    return Transfer(runs, calls, unreadable)


def _open_foreign(path: Path) -> sqlite3.Connection:
    connection = open_for_reading(path)
    connection.execute("PRAGMA cell_size_check=ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_ROW_BYTES)
    return connection


def _require_tables(path: Path, engine: Engine) -> None:
    """Raise unless the rows stand in plain tables: a view or a module computes what it likes.

    Rows are read in the order of their ids, so that these are to be whole numbers in every row.
    """
    query = "SELECT lower(name), type, sql FROM sqlite_master WHERE type IN ('table', 'view')"
    try:
        with telling_errors(path), engine.connect() as connection:
            made = {
                str(name): (str(kind), str(sql))
                for name, kind, sql in connection.exec_driver_sql(query)
            }
            has_ids = all(_has_id(connection, name) for name in ("runs", "interactions"))
    except StoreUnreadable as error:  # whose advice is for the store itself
        reason = str(error).partition(";")[0]
        raise StoreUnreadable(f"{reason}; this is no store of Forge's") from error
    present = [made[name] for name in _TABLES if name in made]
    are_plain = all(
        kind == "table" and "VIRTUAL" not in sql.upper().split("(")[0] for kind, sql in present
    )
    wanted = {"runs", "interactions", "alembic_version"}
    if not wanted <= set(made) or not are_plain or not has_ids:
        raise StoreUnreadable(f"{path} is no store of Forge's")


def _has_id(connection: Connection, table: str) -> bool:
    """Return whether a table's `id` is SQLite's own number of a row."""
    columns = connection.exec_driver_sql(f"PRAGMA table_info({table})").all()
    keys = [(str(name), str(kind).upper()) for _, name, kind, *_, place in columns if place]
    return keys == [("id", "INTEGER")]


def _iterate(engine: Engine, table: str) -> Iterator[Mapping[str, object]]:
    last, frames = _BEFORE_ALL, FrameCache(MOST_FRAME_BYTES)
    while rows := fetch(engine, Query(table, after=last, at_most=_ROWS_A_READ), frames):
        number = rows[-1]["id"]
        if not isinstance(number, int):  # a table without row ids takes anything for one
            raise StoreUnreadable(f"{engine.url.database} is no store of Forge's")
        yield from rows
        last = number


def _merge(save: Callable[[], None], values: Mapping[str, object]) -> bool:
    """Merge a row; False for one that cannot be read, or that this store does not take."""
    if "broken" in values:
        return False
    try:
        save()
    except StoreError as error:
        if isinstance(error.__cause__, sqlite3.IntegrityError):
            return False
        raise
    return True


def _known(values: Mapping[str, object], columns: Iterable[Any]) -> dict[str, Any]:
    return {column.name: values[column.name] for column in columns if column.name in values}


def _read_call(values: Mapping[str, object]) -> dict[str, Any]:
    """Read the columns and facts of a call; one without an id gets one that its content gives."""
    call = _known(values, [*INTERACTIONS, *FACTS])
    if not call.get("entry_id"):
        told = repr(sorted(call.items())).encode("utf-8", "surrogateescape")
        digest = sha256(told).hexdigest()
        call["entry_id"] = f"{digest[:12]}8{digest[13:16]}8{digest[17:32]}"
    return call
