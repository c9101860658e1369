"""Move the texts of old calls into compressed frames of the same file, and back; see D87."""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, or_, select

from forge_obs.admin.maintenance import (
    is_of_no_run,
    let_others_write,
    list_old_workflows,
    measure_files,
)
from forge_obs.database.engines import BUSY_S, READ_ONLY, connect_for_writing
from forge_obs.database.errors import telling_errors
from forge_obs.database.files import is_mostly_free, shrink
from forge_obs.database.handle import get_engine
from forge_obs.database.rows.archived import (
    count_strays,
    describe_strays,
    list_archived,
    load_frame,
)
from forge_obs.database.schema import archives, interactions
from forge_obs.environment.process import get_now
from forge_obs.errors import StoreUnreadable
from forge_obs.model.columns import STARTED
from forge_obs.model.frames import ARCHIVED, CODEC, BrokenFrame, Packed, pack

ENOUGH_BYTES: Final = 4_000_000
"""Size of the texts from which on a frame ends with the workflow that it holds."""

MOST_BYTES: Final = 16_000_000
"""Size of the texts at which a frame ends in the middle of a workflow."""

MOST_ROWS: Final = 1000

ROWS_A_GROUP: Final = 64
"""Calls of no run that follow one another, and are taken for belonging together."""

UNFINISHED: Final = timedelta(days=1)
"""How long a call of no run may be under way before it counts as ended."""

_BLANK: Final = {"system_prompt": "''", "user_prompt": "''"}
"""What stands in a column whose text is in a frame, where that is not null."""

_TEXTS: Final = ", ".join(f"CAST({name} AS BLOB)" for name in ARCHIVED)
_ARE_TEXTS: Final = " AND ".join(f"typeof({name}) IN ('text', 'null')" for name in ARCHIVED)
_ARE_SAME: Final = " AND ".join(f"CAST({name} AS BLOB) IS ?" for name in ARCHIVED)
_BLANKS: Final = ", ".join(f"{name} = {_BLANK.get(name, 'NULL')}" for name in ARCHIVED)
_READ: Final = (
    f"SELECT id, created_at, {_TEXTS} FROM interactions"  # noqa: S608
    f" WHERE id = ? AND archive_id IS NULL AND {_ARE_TEXTS}"
)
_MOVE: Final = (
    f"UPDATE interactions SET {_BLANKS}, archive_id = ?"  # noqa: S608
    " WHERE id = ? AND archive_id IS NULL"
)
_MOVE_IF_SAME: Final = f"{_MOVE} AND {_ARE_SAME}"
_INSERT: Final = (
    "INSERT INTO archives (created_at, codec, row_count, first_at, last_at, text_bytes,"
    " directory_json, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_TAKE_BACK: Final = ", ".join(
    f"{name} = CASE WHEN coalesce({name}, '') = '' THEN coalesce(CAST(? AS TEXT), {name})"
    f" ELSE {name} END"
    for name in ARCHIVED
)


@dataclass(frozen=True)
class Archiving:
    """What was archived, or brought back, and what that gave back."""

    calls: int = 0
    frames: int = 0
    text_bytes: int = 0
    """Size of their texts."""
    stored_bytes: int = 0
    """What these take in the archive."""
    freed_bytes: int = 0
    """By how much the files became smaller."""
    size_bytes: int = 0
    """Size of the files now."""
    obstacle: str | None = None
    """Why the file was not made smaller; its free pages are used again."""
    is_complete: bool = True
    """False where the time was over before all was done."""


@dataclass(frozen=True)
class _Row:
    id: int
    created_at: str
    texts: tuple[bytes | None, ...]
    version: int
    """The file's version before the row was read: it changes with what any other program commits.

    See https://sqlite.org/pragma.html#pragma_data_version.
    """

    @property
    def size(self) -> int:
        """Bytes of its texts."""
        return sum(len(text) for text in self.texts if text)


def archive(
    db_path: str | os.PathLike[str],
    before: datetime,
    abandoned: Sequence[str] = (),
    *,
    within_s: float | None = None,
) -> Archiving:
    """Compress the texts of the calls of runs that ended before a moment, and of no run.

    Readers see no difference. A frame is made outside of a transaction, unpacked and compared; the
    transaction that puts it in takes the texts out of the rows, and only if each is still as it was
    read. Then the lock is left alone for as long as it was held. A kill at any point leaves each
    text in one of both places.

    Args:
        db_path: A store at this version's schema; see `upgrade`.
        before: A moment with a time zone.
        abandoned: Workflow ids of runs on record as running that nobody executes any more.
        within_s: After how many seconds no further frame is begun. Then, too, no space is given
            back, and what is too little for a frame waits for more.

    Raises:
        StoreError: The store cannot be written; what was archived by then stays archived.
    """
    path = Path(db_path)
    engine, size = get_engine(path), measure_files(path)
    give_up = None if within_s is None else time.monotonic() + within_s
    calls = frames = text_bytes = stored_bytes = 0
    is_complete = True
    with telling_errors(path), _writing(path) as driver:
        groups = _list_candidates(engine, before, abandoned)
        for rows in _gather(driver, groups, least_bytes=0 if give_up is None else ENOUGH_BYTES):
            if give_up is not None and time.monotonic() >= give_up:
                is_complete = False
                break
            packed = _pack(rows, path)
            if _move(driver, rows, packed):
                calls, frames = calls + len(rows), frames + 1
                text_bytes += packed.text_bytes
                stored_bytes += len(packed.data) + len(packed.directory_json)
        obstacle = _give_back(path) if give_up is None else None
    now = measure_files(path)
    freed = max(0, size - now)
    return Archiving(calls, frames, text_bytes, stored_bytes, freed, now, obstacle, is_complete)


def unarchive(db_path: str | os.PathLike[str]) -> Archiving:
    """Put all archived texts back into their rows, a frame a transaction.

    Frames that another program puts back or prunes meanwhile are left to it.

    Raises:
        StoreUnreadable: A frame is damaged; it is left as it is, and all others are put back.
        StoreError: The store cannot be written.
    """
    path = Path(db_path)
    engine = get_engine(path)
    calls = frames = text_bytes = 0
    damage: list[str] = []
    with telling_errors(path), _writing(path) as driver:
        with engine.connect().execution_options(**READ_ONLY) as connection:
            ids: Sequence[int] = connection.execute(select(archives.c.id)).scalars().all()
        archived = list_archived(driver)
        for archive_id in ids:
            try:
                rows, size = _bring_back(driver, archive_id, archived.get(archive_id, ()))
            except BrokenFrame as error:
                if _is_there(driver, archive_id):
                    damage.append(f"archive {archive_id}: {error}")
                continue
            if rows:
                calls, frames, text_bytes = calls + rows, frames + 1, text_bytes + size
    if damage:
        rest = "; all others were put back" if frames else ""
        raise StoreUnreadable(f"database {path}: {'; '.join(damage)}{rest}")
    return Archiving(calls, frames, text_bytes, size_bytes=measure_files(path))


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect_for_writing(path, BUSY_S)) as driver:
        # Zeros over what a row leaves free would hold the lock fifteen times as long. What is left
        # there is what the archive holds anyway, until a prune writes the file anew.
        driver.execute("PRAGMA secure_delete=OFF")
        # What was read of a frame's rows need not be read again under the lock.
        driver.execute(f"PRAGMA cache_size=-{MOST_BYTES * 3 // 2 // 1024}")
        yield driver


@contextmanager
def _transaction(driver: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock; then let others write."""
    driver.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    try:
        yield
        if driver.in_transaction:
            driver.execute("COMMIT")
    except BaseException:
        if driver.in_transaction:
            driver.execute("ROLLBACK")
        raise
    let_others_write(began)


def _list_candidates(engine: Engine, before: datetime, abandoned: Sequence[str]) -> list[list[int]]:
    """List the calls whose texts are to be archived: those of a workflow together, in order."""
    old = list_old_workflows(before, abandoned).subquery()
    calls = interactions.c
    of_old = calls.workflow_id.in_(select(old.c.workflow_id))
    ended = or_(calls.status != STARTED, calls.created_at < before - UNFINISHED)
    statement = (
        select(calls.id, calls.workflow_id)
        .where(calls.archive_id.is_(None), calls.created_at < before)
        .where(or_(of_old, is_of_no_run() & ended))
        .order_by(calls.id)
    )
    groups: dict[Any, list[int]] = {}
    with engine.connect().execution_options(**READ_ONLY) as connection:
        for number, workflow_id in connection.execute(statement):
            key = workflow_id if workflow_id is not None else number // ROWS_A_GROUP
            groups.setdefault(key, []).append(number)
    return list(groups.values())


def _gather(
    driver: sqlite3.Connection, groups: Sequence[Sequence[int]], *, least_bytes: int
) -> Iterator[list[_Row]]:
    """Read the rows of one frame after the other; only these are in memory."""
    rows: list[_Row] = []
    size = 0
    for group in groups:
        for number in group:
            row = _read(driver, number)
            if row is None or not row.size:
                continue
            if rows and (size + row.size > MOST_BYTES or len(rows) >= MOST_ROWS):
                yield rows
                rows, size = [], 0
            rows.append(row)
            size += row.size
        if size >= ENOUGH_BYTES:
            yield rows
            rows, size = [], 0
    if rows and size >= least_bytes:
        yield rows


def _read(driver: sqlite3.Connection, number: int) -> _Row | None:
    """Read a row; None for one that is gone, archived by now, or cannot be read."""
    version = _read_version(driver)
    try:
        values = driver.execute(_READ, (number,)).fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise
        return None
    if values is None:
        return None
    return _Row(values[0], str(values[1]), tuple(values[2:]), version)


def _read_version(driver: sqlite3.Connection) -> int:
    return int(driver.execute("PRAGMA data_version").fetchone()[0])


def _pack(rows: Sequence[_Row], path: Path) -> Packed:
    try:
        return pack((row.id, row.texts) for row in rows)
    except BrokenFrame as error:
        raise StoreUnreadable(f"database {path}: nothing was archived: {error}") from error


def _move(driver: sqlite3.Connection, rows: Sequence[_Row], packed: Packed) -> bool:
    """Put a frame in, and take its texts out of their rows; False if one of them has changed.

    Texts are compared only where another program has written anything since they were read.
    """
    moments = [row.created_at for row in rows]
    with _transaction(driver):
        values = (get_now(), CODEC, packed.row_count, min(moments), max(moments))
        data = (packed.text_bytes, packed.directory_json, packed.data)
        archive_id = driver.execute(_INSERT, (*values, *data)).lastrowid
        version = _read_version(driver)
        moved = 0
        for row in rows:
            if row.version == version:
                moved += driver.execute(_MOVE, (archive_id, row.id)).rowcount
            else:
                moved += driver.execute(_MOVE_IF_SAME, (archive_id, row.id, *row.texts)).rowcount
        is_whole = moved == len(rows)
        if not is_whole:
            driver.execute("ROLLBACK")
    return is_whole


def _bring_back(
    driver: sqlite3.Connection, archive_id: int, numbers: Sequence[int]
) -> tuple[int, int]:
    """Put the texts of a frame back; gives how many rows it held, and how long their texts are.

    Args:
        driver: Of a connection that writes.
        archive_id: The frame's id.
        numbers: The rows whose texts are in it.
    """
    frame = load_frame(driver, archive_id)
    if strays := count_strays(driver, archive_id, frame, numbers):
        raise BrokenFrame(describe_strays(strays))
    statement = (
        f"UPDATE interactions SET {_TAKE_BACK}, archive_id = NULL WHERE id = ? AND archive_id = ?"  # noqa: S608
    )
    values = []
    for number, *_ in frame.rows:
        texts = frame.read(number)
        values.append((*(texts.get(name) for name in ARCHIVED), number, archive_id))
    with _transaction(driver):
        rows = driver.executemany(statement, values).rowcount
        driver.execute("DELETE FROM archives WHERE id = ?", (archive_id,))
    return rows, len(frame.raw)


def _is_there(driver: sqlite3.Connection, archive_id: int) -> bool:
    return (
        driver.execute("SELECT 1 FROM archives WHERE id = ?", (archive_id,)).fetchone() is not None
    )


def _give_back(path: Path) -> str | None:
    """Write the file anew if most of it is free; else its free pages are used again."""
    return shrink(path) if is_mostly_free(path) else None
