"""Fetch rows without creating, migrating or locking anything, however damaged they are."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Select,
    bindparam,
    column,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.exc import DatabaseError, NoResultFound

from forge_obs.database.engines import READ_ONLY, get_revision, list_columns
from forge_obs.database.errors import refuse_newer, telling_errors
from forge_obs.database.private.engine import get_driver
from forge_obs.database.rows.archived import FrameCache, fill
from forge_obs.model.frames import ARCHIVED
from forge_obs.model.rows import ARCHIVE_ID, FACTS, TABLES

Values: TypeAlias = Mapping[str, object]
"""One row as it was read, by column name."""

NO_VALUES: Final[Values] = {}

Row: TypeAlias = dict[str, object]
"""The same while it is made."""

Field: TypeAlias = ColumnElement[Any]


@dataclass(frozen=True)
class Query:
    """What to read.

    Attributes:
        table: Name of the table; an absent one has no rows.
        where: Values that columns must have; None asks for anything.
        since: Only rows made at or after this moment, in the words of `created_at`.
        without: Columns to leave out.
        newest: Only that many rows, newest first; all, in the order of recording, if None.
        before: Only rows that come after the one with this `created_at` and id, newest first.
        after: Only rows with a larger id.
        at_most: Only that many rows of those, the first.
        run_id: Only calls of this run of the workflow in `where`.
        ids: Only rows with these ids.
        archived: Only calls whose texts are in frames, or only those whose are not.
    """

    table: str
    where: Mapping[str, str | int | None] = field(default_factory=dict)
    since: str | None = None
    without: Sequence[str] = ()
    newest: int | None = None
    before: tuple[str, int] | None = None
    after: int | None = None
    at_most: int | None = None
    run_id: str | None = None
    ids: Sequence[int] | None = None
    archived: bool | None = None

    def needs(self) -> set[str]:
        """Name the columns that decide which rows are read."""
        names = {name for name, value in self.where.items() if value is not None}
        return names | ({"created_at"} if self.since is not None else set())


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a connection for one read.

    Raises:
        StoreNewer: The schema is newer than this version.
        StoreUnreadable: The file is no database, or damaged beyond single rows.
        StoreUnavailable: It cannot be opened or stays locked.
    """
    path = Path(engine.url.database or "")
    with (
        telling_errors(path),
        engine.connect().execution_options(**READ_ONLY) as connection,
    ):
        refuse_newer(path, get_revision(connection))
        yield connection


def fetch(engine: Engine, query: Query, frames: FrameCache | None = None) -> Sequence[Values]:
    """Read rows with the columns that the table has in this file.

    A row that cannot be read comes back as its id and, under `broken`, why. Raises what `reading`
    raises.

    Args:
        engine: Of the database.
        query: Which rows.
        frames: Keeps what is archived from one read to the next.
    """
    with reading(engine) as connection:
        return fetch_by(connection, query, frames)


def fetch_by(
    connection: Connection, query: Query, frames: FrameCache | None = None
) -> Sequence[Values]:
    """Read rows as `fetch` does, by the connection of a read that goes on."""
    present = set(list_columns(connection, query.table))
    if not present:
        return []
    source, facts = join_facts(connection, query.table)
    if not (present | facts).issuperset(query.needs()):
        return []
    names = ["id", *(spec.name for spec in TABLES[query.table] if spec.name in present)]
    columns: list[Field] = [column(name) for name in names if name not in query.without]
    statement = _narrow(select(*columns).select_from(source), query)
    if query.run_id is not None:
        own = is_of_run(
            connection, query.where.get("workflow_id"), query.run_id, has_facts=bool(facts)
        )
        statement = statement.where(own)
    if query.archived is not None and ARCHIVE_ID.name in present:
        archive_id: Field = column(ARCHIVE_ID.name)
        statement = statement.where(
            archive_id.is_not(None) if query.archived else archive_id.is_(None)
        )
    archived = [name for name in ARCHIVED if name in names and name not in query.without]
    if query.table != "interactions" or not archived or ARCHIVE_ID.name not in present:
        return read_rows(connection, statement, [column(name) for name in sorted(facts)])
    statement = statement.add_columns(column(ARCHIVE_ID.name))
    rows = read_rows(connection, statement, [column(name) for name in sorted(facts)])
    fill(get_driver(connection), rows, archived, frames or FrameCache())
    return rows


WITHIN: Final = column("id").between(bindparam("lower"), bindparam("upper"))
"""Chooses the ids between what a prepared statement is executed with."""


def is_within(lower: int, upper: int) -> ColumnElement[bool]:
    """Choose the ids from one to another."""
    return column("id").between(lower, upper)


class Execute(Protocol):
    """Executes a statement for the ids from one to another."""

    def __call__(
        self, lower: int, upper: int, more: Mapping[str, object] = ..., /
    ) -> sqlite3.Cursor:
        """Execute it; `more` are values of its other parameters."""


def prepare(connection: Connection, statement: Select[Any]) -> Execute:
    """Compile a statement that holds `WITHIN` once, to be executed for many ranges of ids.

    SQLAlchemy takes as long to look a large statement up as SQLite to read some hundred rows. What
    is executed raises the driver's errors.
    """
    compiled = statement.compile(dialect=connection.dialect)
    state = compiled.construct_expanded_state({"lower": 0, "upper": 0})
    names, values, driver = state.positiontup or [], state.parameters, get_driver(connection)

    def execute(
        lower: int, upper: int, more: Mapping[str, object] = NO_VALUES, /
    ) -> sqlite3.Cursor:
        """Execute the statement for the ids from one to another."""
        parameters = {**values, **more, "lower": lower, "upper": upper}
        return driver.execute(state.statement, [parameters[name] for name in names])

    return execute


def join_facts(connection: Connection, name: str) -> tuple[FromClause, set[str]]:
    """Give what to read rows of a table from, and the facts that this has beside its columns."""
    alone = table(name)
    if name != "interactions":
        return alone, set()
    present = list_columns(connection, "call_facts")
    facts = {spec.name for spec in FACTS if spec.name in present}
    beside: ColumnElement[bool] = column("interaction_id") == column("id")
    return (alone.outerjoin(table("call_facts"), beside) if facts else alone), facts


def is_of_run(
    connection: Connection, workflow_id: object, run_id: str, *, has_facts: bool
) -> ColumnElement[bool]:
    """Choose the calls of a run; those that name none are the workflow's only run's."""
    if "run_id" not in list_columns(connection, "interactions"):
        return true()
    runs: Select[Any] = select(column("id")).select_from(table("runs"))
    runs = runs.where(column("workflow_id") == workflow_id).limit(2)
    single = len(connection.execute(runs).all()) < 2
    own: Field = column("run_id") == run_id
    unnamed = true() if single else own
    if not has_facts:
        return unnamed
    root: Field = column("root_run_id")
    return or_(root == run_id, root.is_(None) & unnamed)


def _narrow(statement: Select[Any], query: Query) -> Select[Any]:
    for name, value in query.where.items():
        if value is not None:
            statement = statement.where(column(name) == value)
    if query.since is not None:
        statement = statement.where(column("created_at") >= query.since)
    if query.before is not None:
        moment, number = query.before
        created_at: Field = column("created_at")
        older = (created_at == moment) & (column("id") < number)
        statement = statement.where((created_at <= moment) & ((created_at < moment) | older))
    if query.after is not None:
        statement = statement.where(column("id") > query.after)
    if query.ids is not None:
        statement = statement.where(column("id").in_(query.ids))
    if query.newest is None:
        return statement.order_by(column("id")).limit(query.at_most)
    return statement.order_by(column("created_at").desc(), column("id").desc()).limit(query.newest)


def read_rows(
    connection: Connection, statement: Select[Any], facts: Sequence[Field] = ()
) -> list[Row]:
    """Read the rows that a statement chooses, one by one where some cannot be read.

    Args:
        connection: Of a read.
        statement: Chooses columns of `join_facts`, the id among them.
        facts: Columns to add that stand beside the row.
    """
    whole = statement.add_columns(*facts)
    try:
        return [dict(row) for row in connection.execute(whole).mappings()]
    except DatabaseError:
        ids: Sequence[int] = (
            connection.execute(statement.with_only_columns(column("id"))).scalars().all()
        )
        return [_one_row(connection, statement, number, facts) for number in ids]


def _one_row(
    connection: Connection, statement: Select[Any], number: int, facts: Sequence[Field]
) -> Row:
    alone = statement.where(column("id") == number).limit(1)
    try:
        return dict(connection.execute(alone.add_columns(*facts)).mappings().one())
    except (DatabaseError, NoResultFound) as error:
        word = _name(error)
    try:
        row = dict(connection.execute(alone).mappings().one())
    except (DatabaseError, NoResultFound):
        return {"id": number, "broken": f"cannot be read: {word}"}
    return {**row, "broken": f"facts cannot be read: {word}"} if facts else row


def _name(error: DatabaseError | NoResultFound) -> str:
    """Name what is wrong; a row that one part of the file names may be missing from another."""
    if isinstance(error, NoResultFound):
        return "it is not in its place"
    return str(getattr(error.orig, "sqlite_errorname", type(error).__name__))
