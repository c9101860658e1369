"""Sums over calls, a range of ids at a time, which whoever asks adds up.

One statement adds up the calls of a range, since a row that is brought to Python costs more than
SQLite needs to add it to others. It groups them by columns as they are and adds up what stands in
them: what that means is found out once for a group (`forge_obs.model.sums.sum_rows`). Where a call
holds what its column cannot, the range is halved until few are left, and these are read one by one.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, Engine, column

from forge_obs.model.rows import FIGURES, Interaction, load_interaction
from forge_obs.model.sums.call_sums import CallSum, RangeSums
from forge_obs.model.sums.groups import Grouping, find_group
from forge_obs.model.sums.sum_rows import DamagedSum, SumKey, SumRow, load_sum
from forge_obs.store import call_scope
from forge_obs.store.call_scope import Ranges, Scope
from forge_obs.store.parallel import read_ranges_by_several
from forge_obs.store.queries import Execute, is_within, prepare, read_rows
from forge_obs.store.sum_statements import (
    FIRST_AND_LAST,
    Codes,
    build_sums,
    find_bounds,
    list_keys,
)

_FEW: Final = 32
"""How many ids a range has that is read call by call where one of them is damaged."""

_WIDEST: Final = 65_536
"""How many ids a range has at most: a group costs in Python as much as some hundred of its rows,
and a wider range has fewer groups than its parts together."""

_ENOUGH_S: Final = 1.0
"""How long adding up a range may take before the next one is made smaller, in seconds."""

_LONGEST_PAUSE: Final = 15
"""For how many ranges numbers are not tried where they were of no use several times."""

_DAMAGE: Final = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR}
"""What SQLite says of a sum or a page that it cannot make or read."""

_KEYS: Final = len(SumKey._fields)

_SINGLE: Final = (
    *FIGURES,
    *("task_id", "step_id", "session_id", "attempt", "step_attempt", "first_token_ms"),
    *("error", "failed_checks_json"),
)
"""What is read of a call that is in no sum."""


def sum_ranges(
    engine: Engine, connection: Connection, scope: Scope, by: Grouping | None
) -> Iterator[RangeSums]:
    """Add up the calls of a scope, a range of ids at a time, the newest first.

    Args:
        engine: Opens further connections for reads, if there is much to add up.
        connection: Of a read.
        scope: The calls.
        by: What to group them by, beside what their prices depend on.
    """

    def open_read(own: Connection) -> Callable[[int, int], list[RangeSums]]:
        """Prepare to add up ranges by a connection."""
        return _RangeReader(own, scope, by).read

    ranges = Ranges.of(connection, scope, _WIDEST, _ENOUGH_S)
    for parts in read_ranges_by_several(engine, connection, ranges, open_read):
        yield from parts


class _RangeReader:
    """Adds up the calls of one range after the other.

    Args:
        connection: Of a read.
        scope: The calls.
        by: What to group them by.
    """

    def __init__(self, connection: Connection, scope: Scope, by: Grouping | None) -> None:
        self._connection, self._scope, self._by = connection, scope, by
        self._execute = prepare(connection, build_sums(scope, by))
        self._find_ends = prepare(connection, FIRST_AND_LAST)
        self._codes = Codes(scope, by)
        self._execute_coded: Execute | None = None
        self._misses = self._pause = 0

    def read(self, lower: int, upper: int) -> list[RangeSums]:
        """Add up the calls from one id to another."""
        if (sums := self._try_codes(lower, upper)) is not None:
            return [RangeSums(lower, upper, sums)]
        parts = self._read_exactly(lower, upper)
        if self._codes.learn(total for part in parts for total in part.sums):
            statement = self._codes.statement
            self._execute_coded = (
                None if statement is None else prepare(self._connection, statement)
            )
        return parts

    def _try_codes(self, lower: int, upper: int) -> list[CallSum] | None:
        """Add up calls by numbers; None if that cannot be done, or was not done for some ranges."""
        if self._execute_coded is None:
            return None
        if self._pause:
            self._pause -= 1
            return None
        sums = self._sum_coded(self._execute_coded, lower, upper)
        self._misses = 0 if sums is not None else self._misses + 1
        self._pause = min(max(0, self._misses - 1), _LONGEST_PAUSE)
        return sums

    def _sum_coded(self, execute: Execute, lower: int, upper: int) -> list[CallSum] | None:
        """Add up calls by numbers; None if one has no number, or is damaged."""
        try:
            bounds = find_bounds(*self._find_ends(lower, upper).fetchone())
            if bounds is None:
                return None
            parameters = dict(zip(("first", "last"), bounds, strict=True))
            rows = [self._codes.decode(row) for row in execute(lower, upper, parameters)]
            return [load_sum(row, self._by) for row in rows if row] if all(rows) else None
        except DamagedSum:
            return None
        except sqlite3.DatabaseError as error:
            _check_damage(error)
            return None

    def _read_exactly(self, lower: int, upper: int) -> list[RangeSums]:
        """Add up calls by what they have in common, a part of a range after the other."""
        spans = _list_spans(lower, upper)
        return [part for span in spans for part in self._read_part(*span)]

    def _read_part(self, lower: int, upper: int) -> list[RangeSums]:
        """Add up calls; where one is damaged, read some of them each."""
        try:
            rows = self._execute(lower, upper).fetchall()
            sums = [SumRow(SumKey._make(row[:_KEYS]), *row[_KEYS:]) for row in rows]
            return [RangeSums(lower, upper, [load_sum(row, self._by) for row in sums])]
        except DamagedSum:
            pass
        except sqlite3.DatabaseError as error:
            _check_damage(error)
        if upper - lower < _FEW:
            calls = read_calls(self._connection, self._scope, is_within(lower, upper))
            singles = [(find_group(call, self._by), call) for call in calls]
            return [RangeSums(lower, upper, singles=singles)]
        middle = (lower + upper) // 2
        return self._read_part(middle + 1, upper) + self._read_part(lower, middle)


def _check_damage(error: sqlite3.DatabaseError) -> None:
    """Raise an error that says something else than that a sum or a page cannot be had."""
    if error.sqlite_errorcode & 0xFF not in _DAMAGE:
        raise error


def read_calls(
    connection: Connection, scope: Scope, *conditions: ColumnElement[bool]
) -> list[Interaction]:
    """Read what sums are made of of single calls; all else has its default."""
    names = [name for name in _SINGLE if name in scope.columns | scope.facts]
    statement = scope.select(column("id"), *(column(name) for name in names)).where(*conditions)
    return [load_interaction(values) for values in read_rows(connection, statement)]


def read_members(
    connection: Connection,
    scope: Scope,
    by: Grouping | None,
    within: RangeSums,
    of: Sequence[CallSum],
) -> Iterator[tuple[str | None, Interaction]]:
    """Read the calls of some sums of a range, each with its group.

    All groups of one kind are read together: there may be thousands, and each would read the range.
    """
    groups: dict[tuple[object, ...], set[str | None]] = {}
    for total in of:
        groups.setdefault(total.key[1:], set()).add(total.group)
    _, *keys = list_keys(scope, by)
    for kind, names in groups.items():
        own = [key.is_not_distinct_from(value) for key, value in zip(keys, kind, strict=True)]
        for lower, upper in _list_spans(within.lower, within.upper):
            calls = read_calls(connection, scope, is_within(lower, upper), *own)
            members = ((find_group(call, by), call) for call in calls)
            yield from (member for member in members if member[0] in names)


def _list_spans(lower: int, upper: int) -> Iterator[tuple[int, int]]:
    """Part a range of ids into smaller ones, the last first."""
    while upper >= lower:
        start = max(lower, upper - call_scope.WIDEST_SPAN + 1)
        yield start, upper
        upper = start - 1
