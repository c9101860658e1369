"""Sums over calls, a range of ids at a time, which whoever asks adds up.

One statement adds up the calls of a range, since a row that is brought to Python costs more than
SQLite needs to add it to others. It groups them by columns as they are and adds up what stands in
them: what that means is found out once for a group (`forge_obs.model.sums`). Where a call holds
what its column cannot, the range is halved until few are left, and these are read one by one.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    case,
    cast,
    column,
    func,
    literal,
    literal_column,
    null,
    or_,
)

from forge_obs.model.rows import FIGURES, Interaction, load_interaction
from forge_obs.model.sums import (
    DAMAGED,
    ERROR_LENGTH,
    KNOWN,
    LATER,
    SPECIAL,
    CallSum,
    DamagedSum,
    Grouping,
    RangeSums,
    SumRow,
    find_group,
    load_sum,
)
from forge_obs.store.call_scope import Scope, read_ranges
from forge_obs.store.queries import WITHIN, Field, is_within, prepare, read_rows

SPECIAL_WORDS: Final = (
    ("1h", '"ephemeral_1h_input_tokens":0'),
    ("udio", 'audio_tokens":0'),
    ("mage", 'image_tokens":0'),
    ("AUDIO", None),
    ("IMAGE", None),
)
"""Parts of words that a report of nothing special does not hold, and what providers report where
there is none of it."""

_HINTS: Final = ("%1h%", "%dio%", "%mage%")
"""What finds each of these words quicker, whatever its case, and others as well."""

_ABSENT: Final = null()
"""Stands in for a column that this file does not have."""

_FEW: Final = 32
"""How many ids a range has that is read call by call where one of them is damaged."""

_DAMAGE: Final = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR}
"""What SQLite says of a sum or a page that it cannot make or read."""

_SINGLE: Final = (
    *FIGURES,
    *("task_id", "step_id", "session_id", "attempt", "step_attempt", "first_token_ms"),
    *("error", "failed_checks_json"),
)
"""What is read of a call that is in no sum."""


def sum_ranges(connection: Connection, scope: Scope, by: Grouping | None) -> Iterator[RangeSums]:
    """Add up the calls of a scope, a range of ids at a time, the newest first.

    Args:
        connection: Of a read.
        scope: The calls.
        by: What to group them by, beside what their prices depend on.
    """
    execute = prepare(connection, _build_sums(scope, by).where(WITHIN))

    def read(lower: int, upper: int) -> list[RangeSums]:
        try:
            rows = execute(lower, upper).fetchall()
            return [RangeSums(lower, upper, [load_sum(SumRow(*row), by) for row in rows])]
        except DamagedSum:
            pass
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF not in _DAMAGE:
                raise
        if upper - lower < _FEW:
            calls = read_calls(connection, scope, is_within(lower, upper))
            singles = [(find_group(call, by), call) for call in calls]
            return [RangeSums(lower, upper, singles=singles)]
        middle = (lower + upper) // 2
        return read(middle + 1, upper) + read(lower, middle)

    for parts in read_ranges(connection, scope, read):
        yield from parts


def read_calls(
    connection: Connection, scope: Scope, *conditions: ColumnElement[bool]
) -> list[Interaction]:
    """Read what sums are made of of single calls; all else has its default."""
    names = [name for name in _SINGLE if name in scope.columns | scope.facts]
    chosen = scope.select(column("id"), *(column(name) for name in names)).where(*conditions)
    return [load_interaction(values) for values in read_rows(connection, chosen)]


def choose_members(scope: Scope, by: Grouping | None, of: CallSum) -> list[ColumnElement[bool]]:
    """Write what holds for the calls of a sum, beside their ids."""
    pairs = zip(_list_keys(scope, by), of.key, strict=True)
    return [key.is_not_distinct_from(value) for key, value in pairs]


def _list_keys(scope: Scope, by: Grouping | None) -> list[Field]:
    """Write what the calls of a sum have in common, in the order of `SumRow`."""
    names = ("model_name", "request_model", "service_tier", "status", "error_type", "origin")
    columns = [_column(scope, name) for name in (*names, "outcome")]
    return [_build_group(scope, by), *columns, _build_flags(scope)]


def _build_flags(scope: Scope) -> Field:
    """Write the flags of a call; what is seldom true is only evaluated further if it is."""
    usage_known = _column(scope, "usage_known")
    known = case((usage_known == 1, KNOWN), (usage_known == 0, 0), else_=DAMAGED)
    attempts = [_column(scope, "attempt"), _column(scope, "step_attempt")]
    are_numbers = and_(*(func.typeof(each).in_(("integer", "null")) for each in attempts))
    is_later = or_(*(each > 1 for each in attempts))
    later = case((is_later, case((are_numbers, LATER), else_=DAMAGED)), else_=0)
    return known + later + case((_is_special(scope), SPECIAL), else_=0)


def _is_special(scope: Scope) -> ColumnElement[bool]:
    """Write whether something in a call may have a price of its own, or contradicts itself."""
    read, written = _column(scope, "cache_read_tokens"), _column(scope, "cache_write_tokens")
    report = _column(scope, "usage_json")
    words = (
        func.instr(report if nothing is None else func.replace(report, nothing, ""), word) > 0
        for word, nothing in SPECIAL_WORDS
    )
    hints = or_(func.typeof(report) != "text", *(report.like(hint) for hint in _HINTS))
    return or_(
        _column(scope, "stated_cost_usd").is_not(None),
        read + written > _column(scope, "input_tokens"),
        _column(scope, "reasoning_tokens") > _column(scope, "output_tokens"),
        and_(report.is_not(None), hints, or_(func.typeof(report) != "text", *words)),
    )


def _build_sums(scope: Scope, by: Grouping | None) -> Select[Any]:
    keys = [key.label(f"key_{number}") for number, key in enumerate(_list_keys(scope, by))]
    tokens = [
        _column(scope, f"{name}_tokens")
        for name in ("input", "output", "cache_read", "cache_write", "reasoning")
    ]
    latency, first_token = _column(scope, "latency_ms"), _column(scope, "first_token_ms")
    created_at = _column(scope, "created_at")
    least: Field = literal(0)  # negative if one of them is
    for count in tokens:
        least = least if count is _ABSENT else least.bitwise_or(count)
    figures = [
        func.count(),
        *(func.sum(count) for count in tokens),
        func.total(latency),
        func.min(least),
        func.min(tokens[0]),
        func.max(tokens[0]),
        func.min(created_at),
        func.max(created_at),
        func.json_group_array(latency),
        func.json_group_array(first_token).filter(first_token.is_not(None)),
    ]
    grouped = scope.select(*keys, *figures).order_by(None)
    names: list[Field] = [literal_column(key.name) for key in keys if key.element is not _ABSENT]
    return grouped.group_by(*names)


def _build_group(scope: Scope, by: Grouping | None) -> Field:
    """Write what a call is grouped by that no other key says."""
    match by:
        case None | "model" | "outcome":
            return _ABSENT
        case "hour":
            return func.substr(_column(scope, "created_at"), 1, 13)
        case "quarter":
            minute = cast(func.substr(_column(scope, "created_at"), 15, 2), Integer)
            hour = func.substr(_column(scope, "created_at"), 1, 14)
            quarter = case(
                (minute < 15, "00"), (minute < 30, "15"), (minute < 45, "30"), else_="45"
            )
            return hour.concat(quarter)
        case "error":
            error = func.substr(_column(scope, "error"), 1, ERROR_LENGTH)
            is_unnamed = and_(
                _column(scope, "status") == "error", _column(scope, "error_type").is_(None)
            )
            has_checks = _column(scope, "failed_checks_json").is_not(None)
            return case((is_unnamed, error), (_column(scope, "outcome") == "refused", has_checks))
        case _:
            return _column(scope, {"role": "role"}.get(by, f"{by}_id"))


def _column(scope: Scope, name: str) -> Field:
    """Name a column, or null where this file does not have it."""
    return column(name) if name in scope.columns | scope.facts else _ABSENT
