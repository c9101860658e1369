"""A store that somebody else made, which is hostile input.

Its schema may not call functions, only tables are read and only columns that are known, and
neither a value, a row nor a frame is read beyond a bound. Each frame is unpacked once, whatever
order its rows stand in. See D92.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, column, select, table

from forge_obs.database.engines import closing_on_error, list_columns, open_for_reading
from forge_obs.database.errors import telling_errors
from forge_obs.database.private.engine import build_engine, get_driver
from forge_obs.database.rows.archived import FrameCache, load_frame
from forge_obs.errors import StoreUnreadable
from forge_obs.model.frames import ARCHIVED, BrokenFrame, measure_texts
from forge_obs.model.rows import ARCHIVE_ID
from forge_obs.store.queries import Query, fetch, reading

MOST_ROW_BYTES: Final = 32_000_000
"""Size of a value, and of the texts of a row, beyond which the row is left out: some times what
any model reads. A document of that size takes a gigabyte to parse."""

MOST_FRAME_BYTES: Final = 64_000_000
"""Size of the text of a frame beyond which it is not unpacked: it ends at 16 MB and a row."""

_ROWS_A_READ: Final = 20
_IDS_A_READ: Final = 1000

_BEFORE_ALL: Final = -(2**63)
"""The least id there can be; no row that Forge makes has one below 1."""

_KEYS: Final = {
    "runs": "id",
    "interactions": "id",
    "call_facts": "interaction_id",
    "archives": "id",
    "alembic_version": None,
}
"""Tables that are read, with the column that is SQLite's own number of a row."""

_NEEDED: Final = frozenset({"runs", "interactions", "alembic_version"})

Values = Mapping[str, object]
"""One row as it was read, by column name; `broken` says why one cannot be."""


class ForeignStore:
    """A stranger's store.

    Args:
        path: Its file, which is not changed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = build_engine(path, lambda: _open(path))

    def check(self) -> None:
        """Raise unless rows stand in plain tables: a view or a module computes what it likes.

        Raises:
            StoreUnreadable: They do not, or it is no store at all.
            StoreUnavailable: It cannot be opened.
        """
        try:
            with telling_errors(self.path), self._engine.connect() as connection:
                is_plain = _has_plain_tables(connection)
        except StoreUnreadable as error:  # whose advice is for the store itself
            reason = str(error).partition(";")[0]
            raise StoreUnreadable(f"{reason}; this is no store of Forge's") from error
        if not is_plain:
            raise self._refusal()

    def measure_file(self) -> int:
        """Return its size in bytes.

        Raises:
            StoreUnavailable: It is gone.
        """
        with telling_errors(self.path):
            return self.path.stat().st_size

    def measure_texts(self) -> int:
        """Return the size of all archived texts in bytes, as the directories of frames say."""
        directory: Any = column("directory_json")
        size = 0
        for numbers in self._list_ids("archives"):
            statement = select(directory).select_from(table("archives"))
            statement = statement.where(column("id").in_(numbers))
            with reading(self._engine) as connection:
                for text in connection.execute(statement).scalars():
                    size += _measure(text)
        return size

    def iterate_runs(self) -> Iterator[Values]:
        """Read the runs, a few at a time."""
        for numbers in self._list_ids("runs"):
            yield from self._fetch(Query("runs"), numbers)

    def iterate_calls(self) -> Iterator[Values]:
        """Read the calls, those first whose texts are in frames, which are older.

        Those that are archived meanwhile come last.
        """
        seen: set[object] = set()
        last = _BEFORE_ALL
        for archive_ids in self._list_ids("archives"):
            last = archive_ids[-1]
            yield from _note(self._iterate_frames(archive_ids), seen)
        for numbers in self._list_ids("interactions"):
            rest = [number for number in numbers if number not in seen]
            yield from _note(self._fetch(Query("interactions", archived=False), rest), seen)
        for archive_ids in self._list_ids("archives", last):
            yield from _note(self._iterate_frames(archive_ids), seen)
        for numbers in self._list_ids("interactions"):
            lost = [number for number in numbers if number not in seen]
            for values in self._fetch(Query("interactions", without=ARCHIVED), lost):
                yield {**values, "broken": "its texts are in no frame"}

    def _iterate_frames(self, archive_ids: Iterable[int]) -> Iterator[Values]:
        return chain.from_iterable(map(self._iterate_frame, archive_ids))

    def _iterate_frame(self, archive_id: int) -> Iterator[Values]:
        frames = FrameCache(MOST_FRAME_BYTES)
        with reading(self._engine) as connection:
            try:
                frame = load_frame(get_driver(connection), archive_id, MOST_FRAME_BYTES)
            except BrokenFrame:  # its rows turn out to be in no frame
                return
        small = [number for number, *_ in frame.rows if frame.measure(number) <= MOST_ROW_BYTES]
        query = Query("interactions", where={ARCHIVE_ID.name: archive_id})
        yield from self._fetch(query, small, frames)

    def _fetch(
        self, query: Query, numbers: Sequence[int], frames: FrameCache | None = None
    ) -> Iterator[Values]:
        for start in range(0, len(numbers), _ROWS_A_READ):
            some = numbers[start : start + _ROWS_A_READ]
            for values in fetch(self._engine, replace(query, ids=some), frames):
                yield values if _measure_row(values) <= MOST_ROW_BYTES else _leave_out(values)

    def _list_ids(self, name: str, after: int = _BEFORE_ALL) -> Iterator[Sequence[int]]:
        """List the ids of a table's rows in their order, many at a time; none without a table."""
        number: Any = column("id")
        statement = select(number).select_from(table(name)).order_by(number).limit(_IDS_A_READ)
        last = after
        while True:
            with reading(self._engine) as connection:
                if not list_columns(connection, name):
                    return
                numbers = connection.execute(statement.where(number > last)).scalars().all()
            if not numbers:
                return
            # A damaged tree has no order, and a table without row ids takes anything for one.
            if not all(isinstance(entry, int) for entry in numbers) or numbers[-1] <= last:
                raise self._refusal()
            last = numbers[-1]
            yield numbers

    def _refusal(self) -> StoreUnreadable:
        return StoreUnreadable(f"{self.path} is no store of Forge's")


def _open(path: Path) -> sqlite3.Connection:
    connection = open_for_reading(path)
    with closing_on_error(connection):  # some versions of SQLite read the schema for that
        connection.execute("PRAGMA cell_size_check=ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_ROW_BYTES)
    return connection


def _has_plain_tables(connection: Connection) -> bool:
    query = "SELECT lower(name), type, sql FROM sqlite_master WHERE type IN ('table', 'view')"
    made = {
        str(name): (str(kind), str(sql).upper().partition("(")[0])
        for name, kind, sql in connection.exec_driver_sql(query)
    }
    present = {name: key for name, key in _KEYS.items() if name in made}
    return present.keys() >= _NEEDED and all(
        made[name][0] == "table"
        and "VIRTUAL" not in made[name][1]
        and (key is None or _has_key(connection, name, key))
        for name, key in present.items()
    )


def _has_key(connection: Connection, name: str, key: str) -> bool:
    """Return whether a column is SQLite's own number of a row: rows are looked up by it."""
    columns = connection.exec_driver_sql(f"PRAGMA table_info({name})").all()
    keys = [(str(name), str(kind).upper()) for _, name, kind, *_, place in columns if place]
    return keys == [(key, "INTEGER")]


def _note(rows: Iterable[Values], seen: set[object]) -> Iterator[Values]:
    """Give rows on, and put their ids into a set."""
    for values in rows:
        seen.add(values["id"])
        yield values


def _measure(directory: object) -> int:
    try:
        return measure_texts(str(directory))
    except BrokenFrame:  # nothing of it will be unpacked
        return 0


def _measure_row(values: Values) -> int:
    return sum(len(value) for value in values.values() if isinstance(value, str | bytes))


def _leave_out(values: Values) -> Values:
    return {"id": values["id"], "broken": f"longer than {MOST_ROW_BYTES:,} bytes"}
