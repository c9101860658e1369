"""How much smaller archiving would make a store, from some of its rows."""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from forge_obs.database.engines import create_read_engine, list_columns
from forge_obs.database.errors import telling_errors
from forge_obs.database.private.engine import get_driver
from forge_obs.model.frames import ARCHIVED, pack
from forge_obs.model.rows import ARCHIVE_ID
from forge_obs.model.sanitize import format_time

SAMPLES: Final = 8
"""Places in the store that are looked at."""

MOST_PROBES: Final = 4_000
"""Calls of which is looked at whether they can be archived."""

ROWS_A_SAMPLE: Final = 12
"""Calls there that follow one another, and are much alike."""

_TEXTS: Final = ", ".join(f"CAST({name} AS BLOB)" for name in ARCHIVED)


@dataclass(frozen=True)
class Saving:
    """What archiving would give back, roughly."""

    calls: int = 0
    """About how many calls of before the moment are not archived, whatever their runs do."""
    bytes: int = 0


def estimate_saving(db_path: str | os.PathLike[str], before: datetime) -> Saving:
    """Estimate what archiving the calls of before a moment would give back.

    Reads some hundred rows; nothing is changed. Nothing is saved where there is no store, or one of
    an older version.

    Raises:
        StoreError: The store cannot be read.
    """
    path = Path(db_path)
    if not path.exists():
        return Saving()
    with telling_errors(path), create_read_engine(path).connect() as connection:
        if ARCHIVE_ID.name not in list_columns(connection, "interactions"):
            return Saving()
        ids = _find_old(get_driver(connection), format_time(before))
        if not ids.calls:
            return Saving()
        rows = _read_samples(get_driver(connection), ids)
    text = sum(len(value) for _, texts in rows for value in texts if value)
    if not rows or not text:
        return Saving(ids.calls)
    packed = pack(rows)
    saved = max(0, text - len(packed.data) - len(packed.directory_json))
    return Saving(ids.calls, int(saved / len(rows) * ids.calls))


@dataclass(frozen=True)
class _Ids:
    """Where old calls stand, and about how many there are."""

    calls: int = 0
    first: int = 0
    last: int = 0


def _find_old(driver: sqlite3.Connection, before: str) -> _Ids:
    """Look for calls that can be archived: at all of a small store, at some of a large one."""
    first, last = driver.execute("SELECT min(id), max(id) FROM interactions").fetchone()
    if first is None:
        return _Ids()
    step = max(1, (last - first) // MOST_PROBES)
    query = "SELECT 1 FROM interactions WHERE id = ? AND archive_id IS NULL AND created_at < ?"
    places = range(first, last + 1, step)
    old = [place for place in places if driver.execute(query, (place, before)).fetchone()]
    return _Ids(len(old) * step, old[0], old[-1] + step - 1) if old else _Ids()


def _read_samples(
    driver: sqlite3.Connection, ids: _Ids
) -> list[tuple[int, Sequence[bytes | None]]]:
    step = max(ROWS_A_SAMPLE, (ids.last - ids.first + 1) // SAMPLES)
    query = (
        f"SELECT id, {_TEXTS} FROM interactions"  # noqa: S608
        " WHERE id >= ? AND archive_id IS NULL ORDER BY id LIMIT ?"
    )
    rows: dict[int, Sequence[bytes | None]] = {}
    for start in range(ids.first, ids.last + 1, step):
        for number, *texts in driver.execute(query, (start, ROWS_A_SAMPLE)):
            rows[number] = texts
    return list(rows.items())
