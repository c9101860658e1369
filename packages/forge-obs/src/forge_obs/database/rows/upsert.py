"""Statements that insert a row or merge it into the one with the same key, in SQLite's words."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ColumnCollection,
    ColumnElement,
    TableClause,
    case,
    func,
    literal_column,
    not_,
    or_,
)
from sqlalchemy.dialects.sqlite import dialect, insert

from forge_obs.database.rows.collisions import TEXTS
from forge_obs.model.columns import (
    NO_RESULT,
    OPEN_STATUSES,
    PROVIDER,
    STARTED,
    Column,
    Merge,
)
from forge_obs.model.rows import TABLES

Value: TypeAlias = ColumnElement[Any]
Columns: TypeAlias = ColumnCollection[str, Any]

SOON: Final = "(strftime('%Y-%m-%dT%H:%M:%fZ','now','+1 seconds'))"
"""A moment that nothing recorded so far comes after, by a clock that is right."""


def build_upsert(
    table: TableClause, target: Sequence[Value], *, archived: bool = False
) -> tuple[str, list[str]]:
    """Write the statement that inserts a row or merges it into the one with the same key.

    One statement knows one key: SQLite understands several only from 3.35 on, PostgreSQL never.

    Args:
        table: Where the row belongs.
        target: Its key.
        archived: Whether it is known not to be another call than one whose texts are archived,
            which the statement cannot see.

    Returns:
        The statement text and the columns in the order of its parameters.
    """
    statement = insert(table)
    new = statement.excluded
    merged = statement.on_conflict_do_update(
        index_elements=list(target),
        set_={column.name: _merged(table, new, column) for column in TABLES[table.name]},
        where=_unsettled(table, new, archived=archived),
    )
    names = [column.name for column in TABLES[table.name]]
    compiled = merged.compile(dialect=dialect(), column_keys=names)
    return str(compiled), list(compiled.positiontup or [])


def build_insert(table: TableClause, *, if_new: bool = False) -> tuple[str, list[str]]:
    """Write the statement that inserts a row whose key nobody else can have.

    Args:
        table: Where the row belongs.
        if_new: Whether a row that has one of its keys lets it insert nothing, without an error.

    Returns:
        The statement text and the columns in the order of its parameters.
    """
    names = [column.name for column in TABLES[table.name]]
    statement = insert(table).on_conflict_do_nothing() if if_new else insert(table)
    compiled = statement.compile(dialect=dialect(), column_keys=names)
    return str(compiled), list(compiled.positiontup or [])


@lru_cache(maxsize=128)
def repeat_values(statement: str, width: int, rows: int) -> str:
    """Let an insert of one row take several, whose parameters follow one another.

    Args:
        statement: Text of `build_insert` or `build_upsert`.
        width: How many parameters a row has.
        rows: How many rows it shall take.
    """
    row = f"({', '.join('?' * width)})"
    return statement.replace(f"VALUES {row}", f"VALUES {', '.join([row] * rows)}", 1)


def _merged(table: TableClause, new: Columns, column: Column) -> Value:
    """Say what becomes of a column; a run that was seen later already gets only what it lacks.

    One that was seen in the future was seen before the clock was put back: that is no reason.
    """
    merge = _MERGES[column.merge]
    value = merge(new[column.name], table.c[column.name], new)
    if table.name != "runs":
        return value
    soon: Value = literal_column(SOON)
    late = (new["seen_at"] < table.c["seen_at"]) & (table.c["seen_at"] < soon)
    return case((late, merge(table.c[column.name], new[column.name], table.c)), else_=value)


def _unsettled(table: TableClause, new: Columns, *, archived: bool) -> ColumnElement[bool]:
    """Keep an unfinished entry from changing a finished one, and a finished call from another."""
    names = OPEN_STATUSES if table.name == "runs" else (STARTED,)
    open_statuses: list[Value] = [literal_column(f"'{name}'") for name in names]
    finished = new["status"].not_in(open_statuses)
    if table.name == "interactions":
        finished &= not_(or_(*(_differs(table.c[name], new[name]) for name in TEXTS)))
        if not archived:
            finished &= table.c.archive_id.is_(None)
    return or_(table.c["status"].in_(open_statuses), finished)


def _differs(old: Value, new: Value) -> ColumnElement[bool]:
    """Return whether both texts are known and not the same."""
    empty: Value = literal_column("''")
    return func.coalesce((old != empty) & (new != empty) & (old != new), literal_column("0"))


def _fill(new: Value, old: Value, _row: Columns) -> Value:
    return func.coalesce(func.nullif(new, literal_column("''")), old)


def _first(new: Value, old: Value, _row: Columns) -> Value:
    return func.coalesce(old, new)


def _earliest(new: Value, old: Value, _row: Columns) -> Value:
    return func.min(func.coalesce(old, new), func.coalesce(new, old))


def _measured(new: Value, old: Value, row: Columns) -> Value:
    return case((row["usage_known"] == literal_column("1"), new), else_=old)


def _answering(new: Value, old: Value, row: Columns) -> Value:
    stands_in = (new == row["request_model"]) & (old != literal_column("''"))
    return case((stands_in, old), else_=_fill(new, old, row))


def _origin(new: Value, old: Value, _row: Columns) -> Value:
    return case((new == literal_column(f"'{PROVIDER}'"), old), else_=new)


def _nonzero(new: Value, old: Value, _row: Columns) -> Value:
    return case((new > literal_column("0"), new), else_=old)


def _fill_object(new: Value, old: Value, _row: Columns) -> Value:
    return func.coalesce(func.nullif(new, literal_column(f"'{NO_RESULT}'")), old)


_MERGES: Final[Mapping[Merge, Callable[[Value, Value, Columns], Value]]] = {
    Merge.FILL: _fill,
    Merge.FIRST: _first,
    Merge.EARLIEST: _earliest,
    Merge.MEASURED: _measured,
    Merge.ANSWERING: _answering,
    Merge.ORIGIN: _origin,
    Merge.NONZERO: _nonzero,
    Merge.FILL_OBJECT: _fill_object,
}
