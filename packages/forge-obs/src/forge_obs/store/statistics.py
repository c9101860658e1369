"""Sums over calls, a range of ids at a time, which whoever asks adds up.

One statement adds up the calls of a range, since a row that is brought to Python costs more than
SQLite needs to add it to others. What calls are grouped by, beside what the user wants, is what
their prices depend on, so that costs that are made of sums are exact.
"""

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
    literal_column,
    not_,
    null,
    or_,
)

from forge_obs.model.columns import PROVIDER, STARTED
from forge_obs.model.sums import CallSum, Grouping, RangeSums
from forge_obs.store.call_scope import Scope, read_ranges
from forge_obs.store.queries import Field

REFUSED_BY_CHECKS: Final = "refused by checks"
REFUSED: Final = "refused: does not fit the files"
UNUSABLE: Final = "unusable answer"
NO_OUTCOME: Final = "no outcome on record"

JUDGED: Final = ("accepted", "refused", "unusable")
"""Outcomes of answers; a request for context is none."""

_ERROR_LENGTH: Final = 200
"""Characters of an error that tell its kind where no type does."""

_MOST_TOKENS: Final = 10**12
"""What a call counts beyond this is no count: some thousand of them must fit into 64 bits."""

_LONGEST_MS: Final = 1e15
"""Durations beyond this are none; JSON has no infinite numbers."""

SPECIAL_WORDS: Final = (
    ("1h", '"ephemeral_1h_input_tokens":0'),
    ("udio", 'audio_tokens":0'),
    ("mage", 'image_tokens":0'),
    ("AUDIO", None),
    ("IMAGE", None),
)
"""Parts of words that a report of nothing special does not hold, and what providers report where
there is none of it."""


def sum_ranges(connection: Connection, scope: Scope, by: Grouping | None) -> Iterator[RangeSums]:
    """Add up the calls of a scope, a range of ids at a time, the newest first.

    Args:
        connection: Of a read.
        scope: The calls.
        by: What to group them by, beside what their prices depend on.
    """
    chosen = _build_sums(scope, by)

    def read(lower: int, upper: int) -> RangeSums:
        rows = connection.execute(chosen.where(column("id").between(lower, upper)))
        return RangeSums(lower, upper, [CallSum(*row) for row in rows])

    return read_ranges(connection, scope, read)


def choose_members(scope: Scope, by: Grouping | None, of: CallSum) -> list[ColumnElement[bool]]:
    """Write what holds for the calls of a sum, beside their ids."""
    texts = (of.group, of.model_name, of.request_model, of.service_tier, of.kind, of.failure)
    *kinds, is_wasted = _list_kinds(scope, by)
    same = [kind.is_not_distinct_from(text) for kind, text in zip(kinds, texts, strict=True)]
    return [*same, is_wasted if of.is_wasted else not_(is_wasted)]


def _list_kinds(scope: Scope, by: Grouping | None) -> list[Field]:
    """Write what the calls of a sum have in common, in the order of `CallSum`."""
    status, outcome = _column(scope, "status"), _column(scope, "outcome")
    has_usage = _column(scope, "usage_known") == 1
    unpaid = case((_pretends(scope), "simulated"), else_="scripted")
    kind = case(
        (_column(scope, "origin") != PROVIDER, unpaid),
        (status == STARTED, case((has_usage, "started"), else_="unreported")),
        (has_usage, case((_is_special(scope), "special"), else_="usual")),
        (status == "error", "failed"),
        else_="unreported",
    )
    failure = case((and_(status == "error", not_(has_usage)), _column(scope, "error_type")))
    is_wasted = or_(status == "error", func.coalesce(outcome.in_(("refused", "unusable")), 0))
    return [
        build_group(scope, by),
        _column(scope, "model_name"),
        _column(scope, "request_model"),
        _column(scope, "service_tier"),
        kind,
        failure,
        is_wasted,
    ]


def _pretends(scope: Scope) -> ColumnElement[bool]:
    """Write whether a call that no provider answered has figures nevertheless."""
    return or_(
        _column(scope, "input_tokens") > 0,
        _column(scope, "output_tokens") > 0,
        _column(scope, "stated_cost_usd").is_not(None),
    )


def _is_special(scope: Scope) -> ColumnElement[bool]:
    """Write whether something in a call may have a price of its own, or contradicts itself."""
    read, written = _column(scope, "cache_read_tokens"), _column(scope, "cache_write_tokens")
    report = _column(scope, "usage_json")
    words = (
        func.instr(report if nothing is None else func.replace(report, nothing, ""), word) > 0
        for word, nothing in SPECIAL_WORDS
    )
    return or_(
        _column(scope, "stated_cost_usd").is_not(None),
        read + written > _column(scope, "input_tokens"),
        _column(scope, "reasoning_tokens") > _column(scope, "output_tokens"),
        and_(report.is_not(None), or_(*words)),
    )


def _build_sums(scope: Scope, by: Grouping | None) -> Select[Any]:
    kinds = [kind.label(f"kind_{number}") for number, kind in enumerate(_list_kinds(scope, by))]
    attempt, around = _column(scope, "attempt"), _column(scope, "step_attempt")
    is_first = and_(func.coalesce(attempt, 1) == 1, func.coalesce(around, 1) == 1)
    status, outcome = _column(scope, "status"), _column(scope, "outcome")
    created_at = _column(scope, "created_at")
    tokens = ("input", "output", "cache_read", "cache_write", "reasoning")
    counts = [_count_tokens(_column(scope, f"{name}_tokens")) for name in tokens]
    was_answered = and_(status == "ok", _column(scope, "origin") == PROVIDER)
    latency, first_token = _column(scope, "latency_ms"), _column(scope, "first_token_ms")
    figures = [
        func.count(),
        _count(status == "error"),
        _count(status == STARTED),
        _count(and_(is_first, outcome.in_(JUDGED))),
        _count(and_(is_first, outcome == "accepted")),
        *(func.sum(count) for count in counts),
        func.total(latency).filter(latency.between(0, _LONGEST_MS)),
        func.min(counts[0]),
        func.max(counts[0]),
        func.min(created_at),
        func.max(created_at),
        func.json_group_array(latency).filter(was_answered, latency.between(0, _LONGEST_MS)),
        func.json_group_array(first_token).filter(
            was_answered, first_token.between(0, _LONGEST_MS)
        ),
    ]
    grouped = scope.select(*kinds, *figures).order_by(None)
    return grouped.group_by(*(literal_column(kind.name) for kind in kinds))


def _count_tokens(tokens: Field) -> Field:
    """Read a count; none for text, which is larger than any number, or what no sum can hold."""
    return case((tokens.between(0, _MOST_TOKENS), tokens), else_=0)


def _count(condition: ColumnElement[bool]) -> Field:
    return func.sum(case((condition, 1), else_=0))


def build_group(scope: Scope, by: Grouping | None) -> Field:
    """Write what a call is grouped by."""
    match by:
        case None:
            return null()
        case "model":
            asked = func.nullif(_column(scope, "request_model"), "")
            return func.coalesce(asked, _column(scope, "model_name"))
        case "hour":
            return func.substr(_column(scope, "created_at"), 1, 13)
        case "quarter":
            minute = cast(func.substr(_column(scope, "created_at"), 15, 2), Integer)
            hour = func.substr(_column(scope, "created_at"), 1, 14)
            quarter = case(
                (minute < 15, "00"), (minute < 30, "15"), (minute < 45, "30"), else_="45"
            )
            return hour.concat(quarter)
        case "outcome":
            ended = _column(scope, "status")
            return func.coalesce(case((ended == "ok", _column(scope, "outcome"))), ended)
        case "error":
            return _build_failure(scope)
        case _:
            return _column(scope, {"role": "role"}.get(by, f"{by}_id"))


def _build_failure(scope: Scope) -> Field:
    """Write how a call failed, by kind; null for one that did not."""
    status, outcome = _column(scope, "status"), _column(scope, "outcome")
    error = func.substr(_column(scope, "error"), 1, _ERROR_LENGTH)
    kind = func.coalesce(_column(scope, "error_type"), error, "error")
    by_checks = and_(outcome == "refused", _column(scope, "failed_checks_json").is_not(None))
    return case(
        (status == "error", kind),
        (status == STARTED, NO_OUTCOME),
        (by_checks, REFUSED_BY_CHECKS),
        (outcome == "refused", REFUSED),
        (outcome == "unusable", UNUSABLE),
    )


def _column(scope: Scope, name: str) -> Field:
    """Name a column, or null where this file does not have it."""
    return column(name) if name in scope.columns | scope.facts else null()
