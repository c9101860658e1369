"""How much smaller archiving would make a store, from some of its rows."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, func, select

from forge_obs.database.engines import create_read_engine, list_columns
from forge_obs.database.errors import telling_errors
from forge_obs.database.private.engine import get_driver
from forge_obs.database.schema import interactions
from forge_obs.model.frames import ARCHIVED, pack
from forge_obs.model.rows import ARCHIVE_ID

SAMPLES: Final = 8
"""Places in the store that are looked at."""

ROWS_A_SAMPLE: Final = 12
"""Calls there that follow one another, and are much alike."""

_TEXTS: Final = ", ".join(f"CAST({name} AS BLOB)" for name in ARCHIVED)


@dataclass(frozen=True)
class Saving:
    """What archiving would give back, roughly."""

    calls: int = 0
    """Calls made before the moment whose texts are not archived, whatever their runs do."""
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
        calls = interactions.c
        old = select(func.count(), func.min(calls.id), func.max(calls.id)).where(
            calls.archive_id.is_(None), calls.created_at < before
        )
        number, first, last = connection.execute(old).one()
        if not number:
            return Saving()
        rows = _read_samples(connection, int(first), int(last))
    text = sum(len(value) for _, texts in rows for value in texts if value)
    if not rows or not text:
        return Saving(int(number))
    packed = pack(rows)
    saved = max(0, text - len(packed.data) - len(packed.directory_json))
    return Saving(int(number), int(saved / len(rows) * number))


def _read_samples(
    connection: Connection, first: int, last: int
) -> list[tuple[int, Sequence[bytes | None]]]:
    driver = get_driver(connection)
    step = max(ROWS_A_SAMPLE, (last - first + 1) // SAMPLES)
    query = (
        f"SELECT id, {_TEXTS} FROM interactions"  # noqa: S608
        " WHERE id >= ? AND archive_id IS NULL ORDER BY id LIMIT ?"
    )
    rows: dict[int, Sequence[bytes | None]] = {}
    for start in range(first, last + 1, step):
        for number, *texts in driver.execute(query, (start, ROWS_A_SAMPLE)):
            rows[number] = texts
    return list(rows.items())
