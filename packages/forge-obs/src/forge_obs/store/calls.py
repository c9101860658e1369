"""Read calls across runs, newest first, and find those that hold a text.

A store is read in ranges of ids from its end, one short statement each: what was recorded last
comes at once, whatever the size of the file, and no read keeps the log from being moved into it.

See D102.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    case,
    column,
    func,
    literal,
    null,
    or_,
    select,
)

from forge_obs.database.private.engine import get_driver
from forge_obs.database.rows.archived import FrameCache, fill
from forge_obs.model.frames import ARCHIVED, BrokenFrame
from forge_obs.model.rows import (
    ARCHIVE_ID,
    DETAILS,
    FACTS,
    INTERACTIONS,
    LONG_TEXTS,
    Interaction,
    load_interaction,
)
from forge_obs.model.search import TextSearch
from forge_obs.model.sums.call_sums import CallSum, RangeSums
from forge_obs.model.sums.groups import Grouping
from forge_obs.store.archive_search import ArchiveSearch
from forge_obs.store.call_scope import CallQuery, Scope, open_scope, read_ranges
from forge_obs.store.queries import (
    WITHIN,
    Execute,
    Field,
    Row,
    Values,
    is_within,
    prepare,
    read_rows,
    reading,
)
from forge_obs.store.statistics import read_members, sum_ranges


@dataclass(frozen=True)
class CallHit:
    """A call that holds a text; `workflow_id` and `root_run_id` name its run."""

    id: int
    workflow_id: str | None = None
    root_run_id: str | None = None
    broken: str | None = None
    """Why it cannot be read, so that nobody knows whether it does."""


class CallReader:
    """Reads calls of any run or of none.

    Any number needs little memory, and no transaction stays open between two of them. Every method
    raises a `StoreError` where the store cannot be read or is newer than this version.

    Args:
        engine: Of a database.
        frames: Keeps what is archived from one read to the next.
    """

    def __init__(self, engine: Engine, frames: FrameCache) -> None:
        self._engine = engine
        self._frames = frames

    def iterate(self, query: CallQuery, *, details: bool = True) -> Iterator[Interaction]:
        """Read calls without their texts, the last recorded first.

        Args:
            query: Which calls.
            details: Read also what is a document of its own; a list is faster without.
        """
        without = LONG_TEXTS if details else (*LONG_TEXTS, *DETAILS)
        with reading(self._engine) as connection:
            if scope := open_scope(connection, query):
                rows = iterate_calls(connection, scope, without, self._frames)
                yield from map(load_interaction, rows)

    def find(self, query: CallQuery, search: TextSearch | None = None) -> Iterator[CallHit]:
        """Find the calls that hold a text, or all, the last recorded first.

        `StoreReader.get_interaction` reads one with its texts; `search.find` says where in them it
        stands.
        """
        with reading(self._engine) as connection:
            if scope := open_scope(connection, query):
                yield from find_calls(connection, scope, search)

    def sum(self, query: CallQuery, by: Grouping | None = None) -> Iterator[RangeSums]:
        """Add up calls, a range of ids at a time, the last recorded first.

        Args:
            query: Which calls.
            by: What to group them by, beside what their prices depend on.
        """
        with reading(self._engine) as connection:
            if scope := open_scope(connection, query):
                yield from sum_ranges(self._engine, connection, scope, by)

    def read_members(
        self, query: CallQuery, by: Grouping | None, within: RangeSums, of: Sequence[CallSum]
    ) -> Iterator[tuple[str | None, Interaction]]:
        """Read the calls of some sums of one range, each with its group, in no order.

        They have what sums are made of; all else has its default.
        """
        with reading(self._engine) as connection:
            if scope := open_scope(connection, query):
                yield from read_members(connection, scope, by, within, of)


def iterate_calls(
    connection: Connection, scope: Scope, without: Sequence[str], frames: FrameCache
) -> Iterator[Values]:
    """Read the calls of a scope, newest first, a range at a time.

    A row that cannot be read comes back as its id and, under `broken`, why.

    Args:
        connection: Of a read.
        scope: The calls.
        without: Columns to leave out.
        frames: Keeps what is archived from one range to the next.
    """
    names = ["id", *(spec.name for spec in INTERACTIONS if spec.name in scope.columns)]
    archived = [name for name in ARCHIVED if name in names and name not in without]
    if archived and ARCHIVE_ID.name in scope.columns:
        names.append(ARCHIVE_ID.name)
    chosen = scope.select(*(column(name) for name in names if name not in without))
    facts: list[Field] = [
        column(spec.name) for spec in FACTS if spec.name in scope.facts - set(without)
    ]

    def read(lower: int, upper: int) -> list[Row]:
        rows = read_rows(connection, chosen.where(column("id").between(lower, upper)), facts)
        fill(get_driver(connection), rows, archived, frames)
        return rows

    for rows in read_ranges(connection, scope, read):
        yield from rows


def find_calls(
    connection: Connection, scope: Scope, search: TextSearch | None
) -> Iterator[CallHit]:
    """Find the calls of a scope that hold a text, or all, newest first, a range at a time."""
    looks = _list_looks(connection, scope, search)

    def look(lower: int, upper: int) -> list[CallHit]:
        hits = [hit for find in looks for hit in find(lower, upper)]
        if len(looks) > 1:  # a call whose text came in twice, in part after it was archived
            hits = list({hit.id: hit for hit in hits}.values())
        return sorted(hits, key=lambda hit: -hit.id)

    def read(lower: int, upper: int) -> list[CallHit]:
        try:
            return look(lower, upper)
        except (sqlite3.DatabaseError, BrokenFrame):
            chosen = scope.select(column("id")).where(is_within(lower, upper))
            ids = connection.execute(chosen).scalars().all()
            return [hit for number in ids for hit in look_at(int(number))]

    def look_at(number: int) -> list[CallHit]:
        try:
            return look(number, number)
        except BrokenFrame as error:
            return [CallHit(number, broken=f"archived texts cannot be read: {error}")]
        except sqlite3.DatabaseError as error:
            word = getattr(error, "sqlite_errorname", type(error).__name__)
            return [CallHit(number, broken=f"cannot be read: {word}")]

    for hits in read_ranges(connection, scope, read):
        yield from hits


Look: TypeAlias = Callable[[int, int], list[CallHit]]
"""Finds calls of a scope from one id to another."""


def _list_looks(connection: Connection, scope: Scope, search: TextSearch | None) -> list[Look]:
    """List what finds calls: by the texts in their rows, and by those in an archive."""
    known = scope.columns | scope.facts
    named = ("workflow_id", "root_run_id")
    ids: list[Field] = [column(n) if n in known else null().label(n) for n in named]

    def choose(names: Sequence[Field]) -> Execute:
        chosen = scope.select(column("id"), *names).where(WITHIN)
        return prepare(connection, chosen.order_by(None))

    if search is None:
        return [partial(_list_hits, choose(ids))]
    searched = [name for name in search.columns if name in known]
    texts: list[Field] = [column(name) for name in searched]
    archive = ArchiveSearch(search, searched, get_driver(connection))
    has_archive = bool(archive.columns) and ARCHIVE_ID.name in scope.columns
    archive_id: Field = column(ARCHIVE_ID.name) if has_archive else null()
    blank = [func.coalesce(column(name), "") == "" for name in archive.columns]

    def find_archived(held: Field, where: ColumnElement[bool]) -> Look:
        names = [*ids, archive_id.label(ARCHIVE_ID.name)]
        chosen = prepare(connection, _choose_frames(scope, names, held, where))
        return partial(_find_archived, archive, chosen, choose([*names, *blank]))

    if search.like is not None:  # all rows are read once
        pattern, escape = search.like
        held = or_(*(text.like(pattern, escape=escape) for text in texts))
        # In this order: whether a row is archived is told by its header, without its texts.
        return [find_archived(held, or_(archive_id.is_not(None), held) if has_archive else held)]
    looks: list[Look] = [partial(_find_by_pattern, choose([*ids, *texts]), search, searched)]
    if has_archive:
        looks.append(find_archived(literal(0), archive_id.is_not(None)))
    return looks


def _list_hits(chosen: Execute, lower: int, upper: int) -> list[CallHit]:
    return [CallHit(*row) for row in chosen(lower, upper)]


def _find_by_pattern(
    chosen: Execute, search: TextSearch, searched: Sequence[str], lower: int, upper: int
) -> list[CallHit]:
    hits = []
    for number, workflow_id, run_id, *texts in chosen(lower, upper):
        if next(search.find(dict(zip(searched, texts, strict=True))), None) is not None:
            hits.append(CallHit(number, workflow_id, run_id))
    return hits


def _choose_frames(
    scope: Scope, names: Sequence[Field], held: Field, where: ColumnElement[bool]
) -> Select[Any]:
    """Choose the calls that hold the text themselves, and each frame that others are in once.

    To bring a row to Python takes longer than to look at it, and most archived calls are no hits.
    Whether a row holds the text is worked out in a statement of its own: SQLite would look through
    it again wherever that is named.

    Args:
        scope: The calls.
        names: What to read of them, last the frame that they are in.
        held: Whether the row itself holds the text.
        where: Which of them.
    """
    rows = scope.select(column("id"), *names, held.label("held")).where(WITHIN, where)
    number, *known, frame, is_held = rows.order_by(None).limit(-1).subquery("calls").c
    is_itself = or_(frame.is_(None), is_held)
    return select(*(case((is_itself, each)) for each in (number, *known)), frame).distinct()


def _find_archived(
    archive: ArchiveSearch, chosen: Execute, details: Execute, lower: int, upper: int
) -> list[CallHit]:
    """Find calls that hold the text themselves, or in the frame that their texts are in."""
    rows = chosen(lower, upper).fetchall()
    hits = {number: CallHit(number, *names) for number, *names, _ in rows if number is not None}
    for archive_id in (frame for number, *_, frame in rows if number is None):
        for number, held in archive.find(archive_id).items():
            if lower <= number <= upper and number not in hits:
                found = _look_at_archived(archive, details(number, number), archive_id, held)
                hits.update((hit.id, hit) for hit in found)
    return list(hits.values())


def _look_at_archived(
    archive: ArchiveSearch, rows: sqlite3.Cursor, archive_id: object, held: Collection[str]
) -> Iterator[CallHit]:
    """Find an archived call, unless it has texts of its own where a frame holds what is looked for.

    They came later than those in the frame.

    Args:
        archive: Where it was looked.
        rows: The call.
        archive_id: The frame; a row that is in another by now is found there.
        held: Columns of the frame that hold it.
    """
    for number, workflow_id, run_id, frame, *blank in rows:
        names = (name for name, is_blank in zip(archive.columns, blank, strict=True) if is_blank)
        if frame == archive_id and any(name in held for name in names):
            yield CallHit(number, workflow_id, run_id)
