"""Stores to hand over: some runs in a file of their own, and such a file merged into a store.

See D92.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from heapq import merge
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, func, select

from forge_obs.database.connections import identify, reserved_files
from forge_obs.database.engines import connect_for_writing
from forge_obs.database.errors import telling_errors
from forge_obs.database.files import make_single
from forge_obs.database.metadata import interactions, runs
from forge_obs.environment import private_files
from forge_obs.errors import StoreError, StoreUnavailable, StoreUnreadable
from forge_obs.model.columns import BUDGET, NO_RESULT, RUNNING
from forge_obs.model.rows import FACTS, INTERACTIONS, RUNS, Interaction, Run
from forge_obs.model.sanitize import format_time
from forge_obs.store.foreign import ForeignStore
from forge_obs.store.queries import reading
from forge_obs.store.reader import StoreReader
from forge_obs.store.save import get_engine, save_interaction, save_run_columns, upgrade

LEAST_TEXT_BYTES: Final = 2_000_000_000
"""Size of archived texts up to which they are unpacked however small their file is."""

MOST_GROWTH: Final = 500
"""How many times larger than the file archived texts beyond that may be: four times the most that
calls of one large context come to."""

Redact = Callable[[Any], Any]
"""Returns a row as it is to be handed over."""


@dataclass(frozen=True)
class Transfer:
    """What was copied or merged."""

    runs: int = 0
    calls: int = 0
    unreadable: int = 0
    """Rows that were left out, since they cannot be read."""
    new_runs: int = field(default=0, compare=False)
    """Of those that were merged, how many this store did not have."""
    new_calls: int = field(default=0, compare=False)


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
    for table, row in iterate_whole_runs(reader, workflow_ids):
        if row.broken:
            unreadable += 1
            continue
        handed = redact(row)
        if table == "runs":
            _insert(driver, "runs", _read_columns(handed, RUNS))
            runs += 1
            continue
        number = _insert(driver, "interactions", _read_columns(handed, INTERACTIONS))
        facts = _read_columns(handed, FACTS)
        if any(value is not None for value in facts.values()):
            _insert(driver, "call_facts", {"interaction_id": number, **facts})
        calls += 1
    driver.execute("COMMIT")
    return Transfer(runs, calls, unreadable)


def iterate_whole_runs(
    reader: StoreReader, workflow_ids: Sequence[str]
) -> Iterator[tuple[str, Interaction | Run]]:
    """Read the runs of workflows and then their calls, each with the name of its table.

    Both come in the order of recording, whatever the order of the workflows, and a few at a time.
    """
    numbers = {}
    for workflow_id in workflow_ids:
        for run_id in reader.list_run_ids(workflow_id):
            run = reader.get_run(workflow_id, run_id)
            if run is not None and run.id is not None:
                numbers[run.id] = (workflow_id, run_id)
    for _, key in sorted(numbers.items()):
        if (run := reader.get_run(*key)) is not None:
            yield "runs", run
    calls = (reader.iterate_interactions(workflow_id) for workflow_id in workflow_ids)
    for call in merge(*calls, key=lambda call: call.id or 0):
        yield "interactions", call


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
    gets a row of its own. Of a run that has ended here only what is not known of it is taken. Rows
    that cannot be read are left out.

    Args:
        db_path: The store, which is made if it is missing.
        source: The other one, which is not changed.

    Raises:
        StoreNewer: A newer version wrote the other store.
        StoreUnreadable: It is no store.
        StoreError: This one cannot be written; what was merged by then stays.
    """
    path, other = Path(db_path), Path(source)
    _refuse_own(path, other)
    foreign = ForeignStore(other)
    foreign.check()
    _require_room(path, foreign)
    upgrade(path)
    engine = get_engine(path)
    merged_runs = merged_calls = unreadable = 0
    before = _count_rows(engine)
    reader = StoreReader(engine)
    for values in foreign.iterate_runs():
        columns = {**_select_columns(values, RUNS), **_find_ended_run(reader, values)}
        is_merged = _merge(partial(save_run_columns, engine, **columns), values)
        merged_runs, unreadable = merged_runs + is_merged, unreadable + (not is_merged)
    for values in foreign.iterate_calls():
        is_merged = _merge(partial(save_interaction, engine, **_read_call(values)), values)
        merged_calls, unreadable = merged_calls + is_merged, unreadable + (not is_merged)
    added = (after - earlier for earlier, after in zip(before, _count_rows(engine), strict=True))
    return Transfer(merged_runs, merged_calls, unreadable, *map(max, added, (0, 0)))


def _find_ended_run(reader: StoreReader, values: Mapping[str, object]) -> dict[str, object]:
    """Return what this store knows of a run, if that has ended: no copy knows it better."""
    workflow_id, run_id = values.get("workflow_id"), values.get("run_id")
    if not isinstance(workflow_id, str):
        return {}
    own = reader.get_run(workflow_id, run_id if isinstance(run_id, str) else None)
    if own is None or own.run_id != run_id or own.broken or own.status in {RUNNING, BUDGET}:
        return {}
    own_columns = _read_columns(own, RUNS)
    return {
        name: value
        for name, value in own_columns.items()
        if value is not None and value != NO_RESULT
    }


def _count_rows(engine: Engine) -> tuple[int, int]:
    """Count runs and calls."""
    with reading(engine) as connection:
        runs_number, calls_number = (
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (runs, interactions)
        )
    return runs_number, calls_number


def _refuse_own(path: Path, other: Path) -> None:
    """Raise if a file is the database itself, under whatever name, or belongs to it.

    A second name of the same file would have a log of its own, which breaks the database.
    """
    own = (path, *reserved_files(path))
    identities = {identity for file in own if (identity := identify(os.fspath(file))) is not None}
    if identify(os.fspath(other)) in identities or other.resolve() == path.resolve():
        raise StoreUnavailable(f"{other} is the database itself: choose another file")


def _require_room(path: Path, foreign: ForeignStore) -> None:
    """Raise if the archived texts of a store take more than its size and the disk allow."""
    size = foreign.measure_file()
    unpacked = foreign.measure_texts()
    if unpacked > LEAST_TEXT_BYTES + MOST_GROWTH * size:
        raise StoreUnreadable(
            f"{foreign.path} has {size:,} bytes and would unpack to {unpacked:,}: that is no store"
            " of Forge's"
        )
    place = next(parent for parent in path.absolute().parents if parent.is_dir())
    free = shutil.disk_usage(place).free
    if size + unpacked > free:
        raise StoreUnavailable(
            f"merging {foreign.path} takes {size + unpacked:,} bytes of free space in {place},"
            f" {free:,} are there"
        )


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


def _select_columns(values: Mapping[str, object], columns: Iterable[Any]) -> dict[str, Any]:
    return {column.name: values[column.name] for column in columns if column.name in values}


def _read_call(values: Mapping[str, object]) -> dict[str, Any]:
    """Read the columns and facts of a call; one without an id gets one that its content gives."""
    call = _select_columns(values, [*INTERACTIONS, *FACTS])
    if not call.get("entry_id"):
        content = repr(sorted(call.items())).encode("utf-8", "surrogateescape")
        digest = sha256(content).hexdigest()
        call["entry_id"] = f"{digest[:12]}8{digest[13:16]}8{digest[17:32]}"
    return call
