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
from forge_obs.store.text_match import build_match


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
    statement = scope.select(*(column(name) for name in names if name not in without))
    facts: list[Field] = [
        column(spec.name) for spec in FACTS if spec.name in scope.facts - set(without)
    ]

    def read(lower: int, upper: int) -> list[Row]:
        """Read the calls from one id to another."""
        rows = read_rows(connection, statement.where(column("id").between(lower, upper)), facts)
        fill(get_driver(connection), rows, archived, frames)
        return rows

    for rows in read_ranges(connection, scope, read):
        yield from rows


def find_calls(
    connection: Connection, scope: Scope, search: TextSearch | None
) -> Iterator[CallHit]:
    """Find the calls of a scope that hold a text, or all, newest first, a range at a time."""
    finder = _Finder(connection, scope, search)
    for hits in read_ranges(connection, scope, finder.find):
        yield from hits


class _Finder:
    """Finds calls in ranges of ids; one that cannot be read keeps no other from being found.

    Args:
        connection: Of a read.
        scope: The calls.
        search: What is looked for; None for all of them.
    """

    def __init__(self, connection: Connection, scope: Scope, search: TextSearch | None) -> None:
        self._connection, self._scope = connection, scope
        self._searches = _SearchBuilder(connection, scope).build(search)

    def find(self, lower: int, upper: int) -> list[CallHit]:
        """Find calls from one id to another, newest first; one by one where one is damaged."""
        try:
            return self._find(lower, upper)
        except (sqlite3.DatabaseError, BrokenFrame):
            statement = self._scope.select(column("id")).where(is_within(lower, upper))
            ids = self._connection.execute(statement).scalars().all()
            return [hit for number in ids for hit in self._find_single(int(number))]

    def _find_single(self, number: int) -> list[CallHit]:
        try:
            return self._find(number, number)
        except BrokenFrame as error:
            return [CallHit(number, broken=f"archived texts cannot be read: {error}")]
        except sqlite3.DatabaseError as error:
            word = getattr(error, "sqlite_errorname", type(error).__name__)
            return [CallHit(number, broken=f"cannot be read: {word}")]

    def _find(self, lower: int, upper: int) -> list[CallHit]:
        hits = [hit for search in self._searches for hit in search(lower, upper)]
        if len(self._searches) > 1:  # a text may come in twice, in part after it was archived
            hits = list({hit.id: hit for hit in hits}.values())
        return sorted(hits, key=lambda hit: -hit.id)


RangeSearch: TypeAlias = Callable[[int, int], list[CallHit]]
"""Finds calls of a scope from one id to another."""


class _SearchBuilder:
    """Builds what finds calls: by the texts in their rows, and by those in an archive.

    Args:
        connection: Of a read.
        scope: The calls.
    """

    def __init__(self, connection: Connection, scope: Scope) -> None:
        self._connection, self._scope = connection, scope
        self._present = scope.columns | scope.facts
        self._ids: list[Field] = [
            column(name) if name in self._present else null().label(name)
            for name in ("workflow_id", "root_run_id")
        ]

    def build(self, search: TextSearch | None) -> list[RangeSearch]:
        """Build the searches that together find all calls with a text."""
        if search is None:
            return [partial(_list_hits, self._prepare(self._ids))]
        names = [name for name in search.columns if name in self._present]
        texts: list[Field] = [column(name) for name in names]
        archive = ArchiveSearch(search, names, get_driver(self._connection))
        has_archive = bool(archive.columns) and ARCHIVE_ID.name in self._scope.columns
        archive_id: Field = column(ARCHIVE_ID.name) if has_archive else null()
        if search.like is not None:  # all rows are read once
            is_hit = build_match(search, names, self._scope.columns)
            # In this order: whether a row is archived is told by its header, without its texts.
            where = or_(archive_id.is_not(None), is_hit) if has_archive else is_hit
            return [self._build_archived(archive, archive_id, is_hit, where)]
        statement = self._prepare([*self._ids, *texts])
        searches: list[RangeSearch] = [partial(_find_by_pattern, statement, search, names)]
        if has_archive:
            is_archived = archive_id.is_not(None)
            searches.append(self._build_archived(archive, archive_id, literal(0), is_archived))
        return searches

    def _prepare(self, columns: Sequence[Field]) -> Execute:
        statement = self._scope.select(column("id"), *columns).where(WITHIN)
        return prepare(self._connection, statement.order_by(None))

    def _build_archived(
        self, archive: ArchiveSearch, archive_id: Field, is_hit: Field, where: ColumnElement[bool]
    ) -> RangeSearch:
        """Build what finds calls by themselves and by their frames; see `_choose_frames`."""
        columns = [*self._ids, archive_id.label(ARCHIVE_ID.name)]
        frames = prepare(self._connection, _choose_frames(self._scope, columns, is_hit, where))
        blank = [func.coalesce(column(name), "") == "" for name in archive.columns]
        return partial(_find_archived, archive, frames, self._prepare([*columns, *blank]))


def _list_hits(statement: Execute, lower: int, upper: int) -> list[CallHit]:
    return [CallHit(*row) for row in statement(lower, upper)]


def _find_by_pattern(
    statement: Execute, search: TextSearch, names: Sequence[str], lower: int, upper: int
) -> list[CallHit]:
    hits = []
    for number, workflow_id, run_id, *texts in statement(lower, upper):
        if next(search.find(dict(zip(names, texts, strict=True))), None) is not None:
            hits.append(CallHit(number, workflow_id, run_id))
    return hits


def _choose_frames(
    scope: Scope, columns: Sequence[Field], is_hit: Field, where: ColumnElement[bool]
) -> Select[Any]:
    """Choose the calls that hold the text themselves, and each frame that others are in once.

    To bring a row to Python takes longer than to look at it, and most archived calls are no hits.
    Whether a row holds the text is worked out in a statement of its own: SQLite would look through
    it again wherever that is named.

    Args:
        scope: The calls.
        columns: What to read of them, last the frame that they are in.
        is_hit: Whether the row itself holds the text.
        where: Which of them.
    """
    rows = scope.select(column("id"), *columns, is_hit.label("is_hit")).where(WITHIN, where)
    number, *others, frame, is_own_hit = rows.order_by(None).limit(-1).subquery("calls").c
    is_itself = or_(frame.is_(None), is_own_hit)
    return select(*(case((is_itself, each)) for each in (number, *others)), frame).distinct()


def _find_archived(
    archive: ArchiveSearch, frames: Execute, details: Execute, lower: int, upper: int
) -> list[CallHit]:
    """Find calls that hold the text themselves, or in the frame that their texts are in."""
    rows = frames(lower, upper).fetchall()
    hits = {number: CallHit(number, *names) for number, *names, _ in rows if number is not None}
    for archive_id in (frame for number, *_, frame in rows if number is None):
        for number, columns in archive.find(archive_id).items():
            if lower <= number <= upper and number not in hits:
                members = _find_members(archive, details(number, number), archive_id, columns)
                hits.update((hit.id, hit) for hit in members)
    return list(hits.values())


def _find_members(
    archive: ArchiveSearch, rows: sqlite3.Cursor, archive_id: object, columns: Collection[str]
) -> Iterator[CallHit]:
    """Find an archived call, unless it has texts of its own where a frame holds what is looked for.

    They came later than those in the frame.

    Args:
        archive: Where it was looked.
        rows: The call.
        archive_id: The frame; a row that is in another by now is found there.
        columns: Those of the frame that hold it.
    """
    for number, workflow_id, run_id, frame, *blank in rows:
        names = (name for name, is_blank in zip(archive.columns, blank, strict=True) if is_blank)
        if frame == archive_id and any(name in columns for name in names):
            yield CallHit(number, workflow_id, run_id)
