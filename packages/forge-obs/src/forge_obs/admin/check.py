"""Examine a store without changing it."""

import os
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from sqlalchemy import BigInteger, Connection, cast, func, select

from forge_obs.database.connections import side_files
from forge_obs.database.engines import (
    create_read_engine,
    get_revision,
    list_columns,
    quick_check,
)
from forge_obs.database.errors import telling_errors
from forge_obs.database.private.engine import get_driver
from forge_obs.database.rows.archived import (
    count_strays,
    describe_strays,
    list_archived,
    load_frame,
)
from forge_obs.errors import SpoolUnavailable, StoreError
from forge_obs.model.columns import HEAD, REVISIONS
from forge_obs.model.frames import BrokenFrame
from forge_obs.model.rows import ARCHIVES, TABLES
from forge_obs.recorder import get_backlog
from forge_obs.spool.file import get_lost_path, list_files
from forge_obs.spool.format import Backlog

MOST_DAMAGE = 20
"""Broken frames that are named."""

SchemaState = Literal["missing", "older", "current", "newer", "unreadable"]
"""Where a store stands: no file, before head, at head, beyond it, or no telling."""


@dataclass(frozen=True)
class FileMode:
    """The permission bits of one of the store's files."""

    path: Path
    mode: int

    @property
    def is_private(self) -> bool:
        """Whether nobody but the owner may read or write it."""
        return self.mode & 0o077 == 0


@dataclass(frozen=True)
class ArchivedTexts:
    """What stands in frames."""

    calls: int = 0
    frames: int = 0
    text_bytes: int = 0
    """Size of the texts."""
    stored_bytes: int = 0
    """What these take in the archive."""


@dataclass(frozen=True)
class StoreCheck:
    """What an examination found."""

    path: Path
    state: SchemaState
    revision: str | None = None
    """Where the schema stands; None without one."""
    head: str = HEAD
    """Where this version would bring it."""
    damage: tuple[str, ...] = ()
    """What SQLite's `quick_check` found, and tables that are not there."""
    files: tuple[FileMode, ...] = ()
    """The database, what SQLite keeps beside it, and what waits or was lost; regular files only."""
    size_bytes: int = 0
    """Size of these files together."""
    archived: ArchivedTexts = ArchivedTexts()
    """What is archived, as the frames say."""
    backlog: Backlog = field(default_factory=Backlog)
    """What is not in the database."""
    error: str | None = None
    """Why it cannot be read, with what to do."""
    spool_error: str | None = None
    """Why what waits beside it cannot be counted."""

    @property
    def ok(self) -> bool:
        """Whether nothing needs attention; a store that does not exist yet is fine."""
        sound = self.state in {"missing", "current"} and not self.damage and self.error is None
        complete = not (self.backlog.pending or self.backlog.lost or self.spool_error)
        return sound and complete and all(file.is_private for file in self.files)


def check_store(db_path: str | os.PathLike[str], *, largest_bytes: int | None = None) -> StoreCheck:
    """Examine a store: schema, integrity, file modes, and what is not in it.

    Reads the whole file and changes nothing. A store that cannot be read is a finding, not an
    error.

    Args:
        db_path: The database file.
        largest_bytes: Size beyond which integrity is not looked at; None for any size.
    """
    path = Path(db_path)
    try:
        files, size = _list_files(path)
        whole = largest_bytes is None or size <= largest_bytes
        check = _check(StoreCheck(path, "missing", files=files, size_bytes=size), whole=whole)
        return replace(check, backlog=get_backlog(path))
    except (OSError, RuntimeError, ValueError) as error:  # the last two: no path can be made of it
        reason = getattr(error, "strerror", None) or error
        return StoreCheck(path, "unreadable", error=f"database {path}: {reason}")
    except SpoolUnavailable as error:
        return replace(check, spool_error=str(error))


def _check(check: StoreCheck, *, whole: bool) -> StoreCheck:
    if not check.path.exists():
        return check
    try:
        return _examine(check, whole=whole)
    except StoreError as error:
        return replace(check, state="unreadable", error=str(error))


def _list_files(path: Path) -> tuple[tuple[FileMode, ...], int]:
    ours = (path, *side_files(path), *list_files(path), get_lost_path(path))
    statuses = [(file, status) for file in ours if (status := _stat(file)) is not None]
    modes = tuple(
        FileMode(file, stat.S_IMODE(status.st_mode))
        for file, status in statuses
        if stat.S_ISREG(status.st_mode)
    )
    return modes, sum(status.st_size for _, status in statuses)


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _examine(check: StoreCheck, *, whole: bool) -> StoreCheck:
    archived = check.archived
    with telling_errors(check.path), create_read_engine(check.path).connect() as connection:
        damage = quick_check(connection) if whole else []
        revision = get_revision(connection)
        if revision == HEAD:
            missing = _list_missing(connection)
            damage += missing or _list_broken_frames(connection, whole=whole)
            archived = archived if missing else _add_up_archived(connection)
    return replace(
        check,
        state=_state(revision),
        revision=revision,
        damage=tuple(damage),
        archived=archived,
    )


def _add_up_archived(connection: Connection) -> ArchivedTexts:
    from forge_obs.database.schema import archives  # noqa: PLC0415 - for this only

    columns = archives.c
    stored = func.length(columns.data) + func.length(columns.directory_json)
    totals = (func.total(value) for value in (columns.row_count, columns.text_bytes, stored))
    # Whatever a damaged column holds, its total is a number that fits.
    statement = select(func.count(), *(cast(total, BigInteger) for total in totals))
    row = connection.execute(statement.select_from(archives)).one()
    frames, calls, text_bytes, stored_bytes = map(int, row)
    return ArchivedTexts(calls, frames, text_bytes, stored_bytes)


def _list_missing(connection: Connection) -> list[str]:
    """Name the tables that this version writes and that are not there, or not whole."""
    tables = {**TABLES, "archives": ARCHIVES}
    return [
        f"table {name} is missing or incomplete"
        for name, columns in tables.items()
        if not {column.name for column in columns}.issubset(list_columns(connection, name))
    ]


def _list_broken_frames(connection: Connection, *, whole: bool) -> list[str]:
    """List what is wrong with archived texts: rows without a frame, frames that cannot be read."""
    from forge_obs.database.schema import archives, interactions  # noqa: PLC0415 - for this only

    frame_ids = select(archives.c.id)
    lost = select(func.count()).where(
        interactions.c.archive_id.is_not(None), interactions.c.archive_id.not_in(frame_ids)
    )
    number = int(connection.execute(lost).scalar_one())
    damage = [f"{number:,} calls whose archived texts are missing"] if number else []
    driver = get_driver(connection)
    archived = list_archived(driver) if whole else {}
    for archive_id in connection.execute(frame_ids).scalars().all() if whole else ():
        try:
            frame = load_frame(driver, archive_id)
            strays = count_strays(driver, archive_id, frame, archived.get(archive_id, ()))
            _ = frame.raw
        except BrokenFrame as error:
            damage.append(f"archive {archive_id}: {error}")
        else:
            damage += [f"archive {archive_id}: {describe_strays(strays)}"] if strays else []
    return damage[:MOST_DAMAGE]


def _state(revision: str | None) -> SchemaState:
    if revision == HEAD:
        return "current"
    return "older" if revision is None or revision in REVISIONS else "newer"
