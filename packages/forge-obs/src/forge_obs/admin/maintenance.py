"""Housekeeping of a store that is in use: delete what is old, and copy it; see D64."""

import os
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Engine,
    Select,
    Update,
    case,
    delete,
    func,
    not_,
    or_,
    select,
    update,
)

from forge_obs.admin.check import check_store
from forge_obs.database.connections import reserved_files, side_files
from forge_obs.database.engines import READ_ONLY
from forge_obs.database.errors import telling_errors, telling_failed_writes
from forge_obs.database.files import copy_database, make_single, shrink
from forge_obs.database.handle import get_engine
from forge_obs.database.private.engine import get_driver
from forge_obs.database.rows.archived import count_strays, load_frame
from forge_obs.database.schema import archives, interactions, runs
from forge_obs.environment import private_files
from forge_obs.errors import StoreNewer, StoreUnavailable, StoreUnreadable
from forge_obs.model.columns import OPEN_STATUSES
from forge_obs.model.frames import BrokenFrame, Frame, Packed
from forge_obs.spool import file as spool

CALLS_A_BATCH: Final = 100
"""Calls that one transaction deletes, so that writers get their turn soon."""

RUNS_A_BATCH: Final = 50

LONGEST_PAUSE_S: Final = 0.05

_ended_at: Final[ColumnElement[Any]] = func.coalesce(
    runs.c.finished_at, runs.c.seen_at, runs.c.created_at
)


@dataclass(frozen=True)
class Extent:
    """A number of runs and calls."""

    runs: int
    calls: int
    """Requests to models, those of no run on record included."""


@dataclass(frozen=True)
class Pruning:
    """What was deleted, and what that gave back."""

    deleted: Extent
    freed_bytes: int
    """By how much the files became smaller."""
    size_bytes: int
    """Size of the files now."""
    obstacle: str | None = None
    """Why the file was not made smaller; its free pages are used again."""


def count_prunable(engine: Engine, before: datetime, abandoned: Sequence[str] = ()) -> Extent:
    """Count what `prune` would delete now; raises a `StoreError` if the store cannot be read."""
    old_workflows = list_old_workflows(before, abandoned).subquery()
    with (
        telling_errors(_path_of(engine)),
        engine.connect().execution_options(**READ_ONLY) as connection,
    ):
        rows = connection.execute(
            select(func.count()).where(runs.c.workflow_id.in_(select(old_workflows.c.workflow_id)))
        ).scalar_one()
        calls = connection.execute(
            select(func.count())
            .select_from(interactions)
            .where(
                interactions.c.created_at < before,
                or_(
                    interactions.c.workflow_id.in_(select(old_workflows.c.workflow_id)),
                    is_of_no_run(),
                ),
            )
        ).scalar_one()
    return Extent(int(rows), int(calls))


def prune(
    db_path: str | os.PathLike[str], before: datetime, abandoned: Sequence[str] = ()
) -> Pruning:
    """Delete the runs that ended before a moment, with their calls, and calls of no run.

    A workflow with a run that has not ended, or ended later, is left whole. Each transaction is
    short; at the end the file is made smaller, during which `record()` keeps entries beside it.

    Args:
        db_path: A store at this version's schema; see `upgrade`.
        before: A moment with a time zone.
        abandoned: Workflow ids of runs on record as running that nobody executes any more: they
            count as ended at their last sign of life.

    Raises:
        StoreError: The store cannot be written. What was deleted by then stays deleted, and a run
            is deleted after its calls.
    """
    path = Path(db_path)
    engine = get_engine(path)
    size = measure_files(path)
    with telling_errors(path):
        deleted = _prune_runs(engine, before, abandoned)
        orphans = _prune_orphans(engine, before)
        total = Extent(deleted.runs, deleted.calls + orphans)
        obstacle = shrink(path) if total.runs or total.calls else None
        now = measure_files(path)
    return Pruning(total, max(0, size - now), now, obstacle)


def back_up(db_path: str | os.PathLike[str], target: str | os.PathLike[str]) -> int:
    """Copy a database that may be in use to a new file, readable by its owner alone.

    The copy is the database of one moment, and one file that can be read on a read-only medium. A
    copy that was interrupted is an empty database, or needs to be written once to be read.

    Returns:
        The copy's size in bytes.

    Raises:
        FileExistsError: There is something at `target` already; it is left as it is.
        OSError: Nothing can be made there.
        StoreError: The database cannot be read, or the copy not be written.
    """
    source, copy = Path(db_path), Path(target)
    if copy.resolve() in _own_files(source):
        raise StoreUnavailable(f"{copy} belongs to the database itself: choose another file")
    private_files.make_file(copy)
    try:
        with telling_errors(source), telling_failed_writes(copy):
            copy_database(source, copy)
            make_single(copy)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    return copy.stat().st_size


def restore(db_path: str | os.PathLike[str], backup: str | os.PathLike[str]) -> Path | None:
    """Put a backup into the place of a database that may be in use.

    What the database holds by then is copied first. The backup is written into the database in one
    transaction, as SQLite writes everything else: programs that record go on, whatever they were
    doing, and a kill on the way leaves the database as it was. A database that cannot be read is
    moved away instead.

    Returns:
        The copy of what the database held; None if there was no database.

    Raises:
        StoreNewer: A newer version wrote the backup.
        StoreUnreadable: The backup is no sound store.
        StoreError: The database cannot be written.
        OSError: There is no room for the copy.
    """
    path, source = Path(db_path), Path(backup)
    if source.resolve() in _own_files(path):
        raise StoreUnavailable(f"{source} belongs to the database itself: choose another file")
    _require_sound(source)
    aside = _set_aside(path) if path.exists() else None
    with telling_errors(path):
        get_engine(path)
        copy_database(source, path)
    return aside


def _require_sound(source: Path) -> None:
    check = check_store(source)
    if check.state == "newer":
        raise StoreNewer(str(source), str(check.revision))
    if check.error is not None:  # whose advice is for the store itself
        reason = check.error.partition(";")[0]
        raise StoreUnreadable(f"{reason}; this is no backup of a store")
    if check.revision is None or check.damage:
        reason = "; ".join(check.damage) or "no table of Forge's"
        raise StoreUnreadable(f"{source} is no sound store: {reason}")


def _set_aside(path: Path) -> Path:
    """Copy a database aside, or move away one that cannot be read."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    aside = path.with_name(f"{path.name}-before-{moment}")
    try:
        back_up(path, aside)
    except StoreUnreadable:
        for file in (path, *side_files(path)):
            with suppress(FileNotFoundError):
                file.replace(file.with_name(f"{aside.name}{file.name.removeprefix(path.name)}"))
    return aside


def _own_files(db_path: Path) -> set[Path]:
    beside = (*spool.list_files(db_path), spool.get_lost_path(db_path))
    database = (db_path.resolve(), *reserved_files(db_path))
    return {*database, *(path.resolve() for path in beside)}


def list_old_workflows(before: datetime, abandoned: Sequence[str]) -> Select[Any]:
    """Choose the workflows all of whose runs ended before a moment.

    Args:
        before: The moment.
        abandoned: Workflow ids of runs on record as running that count as ended.
    """
    is_kept = case((not_(_is_over(abandoned)), 1), (_ended_at >= before, 1), else_=0)
    return select(runs.c.workflow_id).group_by(runs.c.workflow_id).having(func.max(is_kept) == 0)


def _is_over(abandoned: Sequence[str]) -> ColumnElement[bool]:
    return or_(runs.c.status.not_in(OPEN_STATUSES), runs.c.workflow_id.in_(abandoned))


def is_of_no_run() -> ColumnElement[bool]:
    """Choose the calls of whose workflow no run is on record."""
    own_runs = select(runs.c.id).where(runs.c.workflow_id == interactions.c.workflow_id)
    return not_(own_runs.exists())


def _prune_runs(engine: Engine, before: datetime, abandoned: Sequence[str]) -> Extent:
    deleted_runs = deleted_calls = 0
    workflow_ids = _read(engine, list_old_workflows(before, abandoned))
    for start in range(0, len(workflow_ids), RUNS_A_BATCH):
        batch = workflow_ids[start : start + RUNS_A_BATCH]
        of_batch = interactions.c.workflow_id.in_(batch)
        deleted_calls += _delete_calls(engine, of_batch, before)
        over = runs.c.workflow_id.in_(batch), _is_over(abandoned), _ended_at < before
        deleted_runs += _write(engine, delete(runs).where(*over))
    return Extent(deleted_runs, deleted_calls)


def _prune_orphans(engine: Engine, before: datetime) -> int:
    return _delete_calls(engine, is_of_no_run(), before)


def _read(engine: Engine, statement: Select[Any]) -> Sequence[Any]:
    with engine.connect().execution_options(**READ_ONLY) as connection:
        return connection.execute(statement).scalars().all()


def _delete_calls(engine: Engine, condition: ColumnElement[bool], before: datetime) -> int:
    """Delete calls that were made before a moment, one short transaction after the other.

    Archived ones go with their frame, which is written anew for those that stay.
    """
    calls = interactions.c
    query = select(calls.id, calls.archive_id).where(condition, calls.created_at < before)
    plain: list[int] = []
    archived: dict[int, list[int]] = {}
    with engine.connect().execution_options(**READ_ONLY) as connection:
        for number, archive_id in connection.execute(query):
            ids = plain if archive_id is None else archived.setdefault(archive_id, [])
            ids.append(number)
    deleted = sum(
        _delete_frame_rows(engine, archive_id, ids) for archive_id, ids in archived.items()
    )
    for start in range(0, len(plain), CALLS_A_BATCH):
        some = calls.id.in_(plain[start : start + CALLS_A_BATCH])
        old = delete(interactions).where(some, calls.created_at < before)
        deleted += _write(engine, old)
    return deleted


def _delete_frame_rows(engine: Engine, archive_id: int, ids: Sequence[int]) -> int:
    """Delete rows of a frame with their texts in it, in one transaction."""
    while True:
        frame, packed = _leave_out(engine, archive_id, set(ids))
        of_frame = archives.c.id == archive_id
        began = time.monotonic()
        with engine.begin() as connection:
            if not frame:  # damaged: it goes with the last row that has a text in it
                others = select(interactions.c.id).where(interactions.c.archive_id == archive_id)
                change: Delete | Update = delete(archives).where(of_frame, not_(others.exists()))
            elif packed is None:
                change = delete(archives).where(of_frame)
            else:
                change = update(archives).where(of_frame).values(**packed.columns)
            deleted = _delete_rows(connection, archive_id, ids)
            if frame:
                change = change.where(archives.c.directory_json == frame.directory_json)
            is_whole = connection.execute(change).rowcount > 0 or not frame
            if not is_whole:  # another program wrote the frame anew meanwhile
                connection.rollback()
        let_others_write(began)
        if is_whole:
            return deleted


def _leave_out(
    engine: Engine, archive_id: int, gone: Collection[int]
) -> tuple[Frame | None, Packed | None]:
    """Read a frame and pack it without some rows; None for a damaged one, and for no rows."""
    try:
        with engine.connect().execution_options(**READ_ONLY) as connection:
            driver = get_driver(connection)
            frame = load_frame(driver, archive_id)
            if count_strays(driver, archive_id, frame, gone):  # some text is under another id
                return None, None
        rest = [number for number, *_ in frame.rows if number not in gone]
        return frame, frame.repack(rest) if rest else None
    except BrokenFrame:
        return None, None


def _delete_rows(connection: Connection, archive_id: int, ids: Sequence[int]) -> int:
    deleted = 0
    for start in range(0, len(ids), CALLS_A_BATCH):
        some = interactions.c.id.in_(ids[start : start + CALLS_A_BATCH])
        old = delete(interactions).where(some, interactions.c.archive_id == archive_id)
        deleted += connection.execute(old).rowcount
    return deleted


def _write(engine: Engine, statement: Delete) -> int:
    began = time.monotonic()
    with engine.begin() as connection:
        count = connection.execute(statement).rowcount
    let_others_write(began)
    return count


def let_others_write(began: float) -> None:
    """Leave the write lock alone for as long as it was held: SQLite's own waiters would starve.

    Args:
        began: When the transaction did, by the monotonic clock.
    """
    time.sleep(min(time.monotonic() - began, LONGEST_PAUSE_S))


def _path_of(engine: Engine) -> Path:
    return Path(engine.url.database or "")


def measure_files(path: Path) -> int:
    """Return how large a database is with what SQLite keeps beside it, in bytes."""
    present = (file for file in (path, *side_files(path)) if file.exists())
    return sum(file.stat().st_size for file in present)
