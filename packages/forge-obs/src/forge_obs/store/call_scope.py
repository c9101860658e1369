"""Which calls of the store a query asks for, and in which ranges they are read."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    column,
    func,
    literal,
    or_,
    select,
    table,
)

from forge_obs.database.engines import list_columns
from forge_obs.model.sanitize import format_time
from forge_obs.model.sums.groups import TURNED_BACK
from forge_obs.store.queries import WITHIN, Field, is_of_run, join_facts, prepare

FIRST_SPAN: Final = 64
"""How many ids the first range has."""

WIDEST_SPAN: Final = 2048

ENOUGH_S: Final = 0.05
"""How long reading a range may take before the next one is made smaller, in seconds."""

MOST_SAMPLES: Final = 16_384
"""How many calls are looked at to find the beginning of a period."""

LONGEST_WAIT: Final = timedelta(days=1)
"""How long before its recording a call may have been made, without being overlooked."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class CallQuery:
    """Which calls to read, of any run or of none; None asks for any.

    Attributes:
        run_id: Only calls of this run of the workflow in `workflow_id`.
        models: Shell patterns in lower case, one of which fits the model that was asked for or
            that answered; any model if empty.
        status: As stored: `started`, `ok` or `error`.
        failed: Only calls that failed, whose answer was turned back, or whose outcome is unknown.
        since: When it was made at the earliest; a naive moment is local time.
        until: Before which moment it was made.
    """

    task_id: str | None = None
    workflow_id: str | None = None
    run_id: str | None = None
    step_id: str | None = None
    sub_task_id: str | None = None
    attempt: int | None = None
    role: str | None = None
    models: Sequence[str] = ()
    status: str | None = None
    outcome: str | None = None
    session_id: str | None = None
    failed: bool = False
    since: datetime | None = None
    until: datetime | None = None


_COMPARED: Final = (
    *("task_id", "workflow_id", "step_id", "sub_task_id", "attempt", "role", "status"),
    *("outcome", "session_id"),
)
"""Fields of a query that are compared with the column of their name."""


@dataclass(frozen=True)
class Scope:
    """The calls that a query asks for, as this file has them.

    Attributes:
        columns: What can be read of a call, but for facts.
        facts: What can be read beside it.
        conditions: What holds for the calls.
        indexed: Those of the conditions that an index of the table answers.
        oldest: An id before which there are none.
    """

    source: FromClause
    columns: frozenset[str]
    facts: frozenset[str]
    conditions: tuple[ColumnElement[bool], ...]
    indexed: tuple[ColumnElement[bool], ...]
    oldest: int

    def select(self, *columns: Field) -> Select[Any]:
        """Choose columns of the calls, newest first."""
        statement = select(*columns).select_from(self.source).where(*self.conditions)
        return statement.order_by(column("id").desc())


def open_scope(connection: Connection, query: CallQuery) -> Scope | None:
    """Prepare to read the calls of a query; None where this file can hold none of them."""
    columns = frozenset(list_columns(connection, "interactions"))
    if not columns:
        return None
    source, facts = join_facts(connection, "interactions")
    comparisons = {
        name: getattr(query, name) for name in _COMPARED if getattr(query, name) is not None
    }
    if not (columns | facts).issuperset(comparisons):
        return None
    conditions = [column(name) == value for name, value in comparisons.items()]
    indexed = tuple(
        column(n) == v for n, v in comparisons.items() if n in {"task_id", "workflow_id"}
    )
    conditions += _list_bounds(query)
    if query.failed and "status" in columns:
        conditions.append(_has_failed(facts=frozenset(facts)))
    if query.models:
        conditions.append(_fits_model(query.models, columns))
    if query.run_id is not None:
        conditions.append(
            is_of_run(connection, query.workflow_id, query.run_id, has_facts=bool(facts))
        )
    oldest = 0 if query.since is None else find_oldest(connection, query.since)
    return Scope(source, columns, frozenset(facts), tuple(conditions), indexed, oldest)


def _has_failed(facts: frozenset[str]) -> ColumnElement[bool]:
    """Return the condition for calls of which nothing came, as far as the file tells."""
    is_no_answer = column("status") != "ok"
    if "outcome" not in facts:
        return is_no_answer
    return or_(is_no_answer, column("outcome").in_(TURNED_BACK))


def _find_ends(
    connection: Connection, conditions: Sequence[ColumnElement[bool]] = ()
) -> tuple[int | None, int | None]:
    """Find the first and the last id; asked for both at once, SQLite reads a whole index."""
    ids: Field = column("id")
    statement = select(ids).select_from(table("interactions")).where(*conditions).limit(1)
    first = connection.execute(statement.order_by(ids)).scalar()
    last = connection.execute(statement.order_by(ids.desc())).scalar()
    return first, last


def find_oldest(connection: Connection, since: datetime) -> int:
    """Find an id before which no call was made since a moment.

    Ids are in the order of recording, and a call is recorded when it is made, or later if it had to
    wait: so all calls are older that were recorded before an older one. Of a large store only some
    are looked at, so that what is older need not be read. That a call may have waited for a day is
    allowed for; if calls of the past were written behind new ones in a row, new ones before them
    are seen by their number.
    """
    ids: Field = column("id")
    oldest, newest = _find_ends(connection)
    if newest is None or oldest is None:
        return 0
    step = max(1, (newest - oldest) // MOST_SAMPLES)
    samples = select(literal(oldest).label("sample")).cte("samples", recursive=True)
    following = samples.c.sample + step
    samples = samples.union_all(select(following).where(following <= newest))
    sampled_calls = samples.join(table("interactions"), ids == samples.c.sample)
    created_at: Field = column("created_at")
    statement = select(ids, created_at).select_from(sampled_calls).order_by(ids)
    moment = format_time(since - LONGEST_WAIT)
    earlier = takewhile(lambda row: str(row[1]) < moment, connection.execute(statement))
    return max((int(number) for number, _ in earlier), default=0)


def _list_bounds(query: CallQuery) -> list[ColumnElement[bool]]:
    created_at: Field = column("created_at")
    bounds: list[ColumnElement[bool]] = []
    if query.since is not None:
        bounds.append(created_at >= format_time(query.since))
    if query.until is not None:
        bounds.append(created_at < format_time(query.until))
    return bounds


def _fits_model(patterns: Sequence[str], columns: frozenset[str]) -> ColumnElement[bool]:
    names = [
        func.lower(column(name)) for name in ("model_name", "request_model") if name in columns
    ]
    return or_(*(name.op("GLOB")(pattern) for name in names for pattern in patterns))


class Ranges:
    """Ranges of ids from the newest to the oldest, as wide as they are read quickly.

    Each has a call at its end: ids that are far apart, up to the largest that there can be, would
    take for ever otherwise.

    Args:
        newest: The last id.
        oldest: The first.
        find_last: Finds the last call with an id from one to another; None if there is none.
        widest: How many ids a range has at most.
        enough_s: How long reading one may take before the next are made smaller, in seconds.
    """

    def __init__(
        self,
        newest: int,
        oldest: int,
        find_last: Callable[[int, int], int | None],
        *,
        widest: int,
        enough_s: float,
    ) -> None:
        self._upper, self._oldest, self._span = newest, oldest, FIRST_SPAN
        self._find_last = find_last
        self._widest, self._enough_s = widest, enough_s

    @classmethod
    def of(
        cls,
        connection: Connection,
        scope: Scope,
        widest: int | None = None,
        enough_s: float | None = None,
    ) -> "Ranges":
        """Find the ranges of the calls of a scope."""
        oldest, newest = _find_ends(connection, scope.indexed)
        first = max(int(oldest or 0), scope.oldest)
        last = first - 1 if newest is None else int(newest)
        find_last = _prepare_find_last(connection, scope)
        return cls(
            last, first, find_last, widest=widest or WIDEST_SPAN, enough_s=enough_s or ENOUGH_S
        )

    @property
    def remaining(self) -> int:
        """How many ids are in no range yet."""
        return max(0, self._upper - self._oldest + 1)

    def take(self) -> tuple[int, int]:
        """Return the first and the last id of the next range."""
        upper = self._upper
        lower = max(self._oldest, upper - self._span + 1)
        last = None if lower == self._oldest else self._find_last(self._oldest, lower - 1)
        self._upper = self._oldest - 1 if last is None else last
        return lower, upper

    def adapt(self, seconds: float) -> None:
        """Make the next ranges smaller or wider, after one took so long."""
        is_slow = seconds > self._enough_s
        self._span = max(1, self._span // 2) if is_slow else min(self._widest, self._span * 2)


def _prepare_find_last(connection: Connection, scope: Scope) -> Callable[[int, int], int | None]:
    ids: Field = column("id")
    calls = select(ids).select_from(table("interactions")).where(WITHIN, *scope.indexed)
    execute = prepare(connection, calls.order_by(ids.desc()).limit(1))

    def find_last(lower: int, upper: int) -> int | None:
        try:
            row = execute(lower, upper).fetchone()
        except sqlite3.DatabaseError:  # of a damaged page, which costs its own rows alone
            return upper
        return None if row is None else int(row[0])

    return find_last


def read_ranges(
    connection: Connection, scope: Scope, read: Callable[[int, int], Result]
) -> Iterator[Result]:
    """Read all calls from the newest to the oldest, a range of ids at a time.

    Args:
        connection: Of a read.
        scope: The calls.
        read: Reads those from one id to another.
    """
    ranges = Ranges.of(connection, scope)
    while ranges.remaining:
        result, seconds = time_read(read, *ranges.take())
        yield result
        ranges.adapt(seconds)


def time_read(read: Callable[[int, int], Result], lower: int, upper: int) -> tuple[Result, float]:
    """Read a range, and return with the result how many seconds that took."""
    started = time.monotonic()
    result = read(lower, upper)
    return result, time.monotonic() - started
