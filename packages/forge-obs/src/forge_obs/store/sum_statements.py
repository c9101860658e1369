"""Statements that add up the calls of a range of ids, by what they have in common.

The rows of a range are sorted by what they are grouped by, and comparing nine columns takes longer
than all the rest. So the values of each column get small numbers as they are seen, and a statement
makes one number of what a row has. Where a row has a value that was never seen, that number is
negative, and the range is to be read by the columns themselves. See D100.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    cast,
    column,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    table,
)

from forge_obs.model.sanitize import format_time
from forge_obs.model.sums.call_sums import CallSum
from forge_obs.model.sums.groups import ERROR_LENGTH, Grouping
from forge_obs.model.sums.sum_rows import (
    DAMAGED,
    KNOWN,
    LATER,
    LONGEST_MS,
    NS_PER_MS,
    SPECIAL,
    STATED,
    SumKey,
    SumRow,
)
from forge_obs.store.call_scope import Scope
from forge_obs.store.queries import WITHIN, Field

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

_TOKENS: Final = tuple(
    f"{name}_tokens" for name in ("input", "output", "cache_read", "cache_write", "reasoning")
)

_DURATIONS: Final = ("latency_ms", "first_token_ms")

_MANY: Final = frozenset({"task", "session", "step", "hour", "quarter"})
"""Groupings with more groups than get numbers."""

_BITS: Final = 6
"""How many bits of a number the flags have, and each column."""

_MOST: Final = 40
"""How many values of a column get numbers."""

_UNKNOWN: Final = -(1 << 58)
"""Makes a number negative, and so does it together with any other."""

_SLACK: Final = timedelta(hours=1)
"""How much earlier or later than the first and the last of a range a call may have been made."""

_MADE: Final[Select[Any]] = (
    select(column("created_at")).select_from(table("interactions")).where(WITHIN)
)

FIRST_AND_LAST: Final = select(
    _MADE.order_by(column("id")).limit(1).scalar_subquery(),
    _MADE.order_by(column("id").desc()).limit(1).scalar_subquery(),
)
"""Reads when the first and the last call of a range were made, be they asked for or not."""


def list_keys(scope: Scope, by: Grouping | None) -> list[Field]:
    """Write what the calls of a sum have in common, in the order of `SumKey`."""
    names = ("model_name", "request_model", "service_tier", "status", "error_type", "origin")
    columns = [_column(scope, name) for name in (*names, "outcome")]
    return [_build_group(scope, by), *columns, _build_flags(scope)]


def build_sums(scope: Scope, by: Grouping | None) -> Select[Any]:
    """Add up the calls of a range; each row has the values of a `SumKey` and of a `SumRow`."""
    keys = [key.label(f"key_{number}") for number, key in enumerate(list_keys(scope, by))]
    made: Field = column("created_at")
    return _group(scope, keys, [_column(scope, "created_at")], (func.min(made), func.max(made)))


class Codes:
    """Numbers for what calls have in common, as far as it was seen.

    Attributes:
        statement: Adds up the calls of a range, if each was made between `first` and `last`; None
            if there is too much to number.
    """

    def __init__(self, scope: Scope, by: Grouping | None) -> None:
        self.statement: Select[Any] | None = None
        self._scope = scope
        *self._keys, self._flags = list_keys(scope, by)
        self._values: list[list[Any]] = [[] for _ in self._keys]
        self._has_many = by in _MANY
        self._is_too_much = False

    def learn(self, sums: Iterable[CallSum]) -> bool:
        """Number the values of sums that were made without; False if there are no new ones.

        Those that most calls have get the first numbers, since a statement compares in that order.
        """
        if self._is_too_much:
            return False
        counts: Counter[tuple[int, Any]] = Counter()
        for total in sums:
            counts.update(dict.fromkeys(enumerate(total.key[:-1]), total.calls))
        pairs = [(n, value) for (n, value), _ in counts.most_common() if value is not None]
        if self._has_many:
            pairs = [(number, value) for number, value in pairs if number]
        new = [(n, value) for n, value in pairs if value not in self._values[n]]
        for number, value in new:
            self._values[number].append(value)
        if not new and self.statement is not None:
            return False
        group, *others = self._values
        self._has_many |= len(group) > _MOST
        self._is_too_much = any(len(values) > _MOST for values in others)
        self.statement = None if self._is_too_much else self._build()
        return True

    def decode(self, row: Sequence[Any]) -> SumRow | None:
        """Return what a row of the statement says; None if it has something that has no number."""
        number, *figures = row
        if number < 0:
            return None
        group = figures.pop(0) if self._has_many else None
        flags, number = number & _MASK, number >> _BITS
        key: list[Any] = []
        for values in self._values:
            key.append(values[(number & _MASK) - 1] if number & _MASK else None)
            number >>= _BITS
        common = SumKey._make((group if self._has_many else key[0], *key[1:], flags))
        return SumRow(common, *figures)

    def _build(self) -> Select[Any]:
        made = _column(self._scope, "created_at")
        first: Field = bindparam("first", None)
        last: Field = bindparam("last", None)
        number = self._flags.bitwise_or(case((made.between(first, last), 0), else_=_UNKNOWN))
        shift = 0
        for key, values in zip(self._keys, self._values, strict=True):
            shift += _BITS
            if key is not _ABSENT and not (self._has_many and shift == _BITS):
                number = number.bitwise_or(_number(key, values, shift))
        keys: list[Field] = [number.label("number")]
        if self._has_many:
            keys.append(self._keys[0].label("group"))
        return _group(self._scope, keys, [], (first, last))


_MASK: Final = (1 << _BITS) - 1


def _number(key: Field, values: Sequence[Any], shift: int) -> Field:
    """Write the number of a value, 0 for none."""
    rest = case((key.is_(None), 0), else_=_UNKNOWN)
    numbers = {value: number << shift for number, value in enumerate(values, 1)}
    return case(numbers, value=key, else_=rest) if numbers else rest


def find_bounds(first: object, last: object) -> tuple[str, str] | None:
    """Return between which moments all calls of a range were probably made; None of no moments.

    Args:
        first: When its first call was made, as the store has it.
        last: When its last one was.
    """
    try:
        moments = [datetime.fromisoformat(str(each)) for each in (first, last)]
        return format_time(min(moments) - _SLACK), format_time(max(moments) + _SLACK)
    except (ValueError, TypeError, OverflowError):
        return None


def _group(
    scope: Scope, keys: Sequence[Field], more: Sequence[Field], bounds: Sequence[Field]
) -> Select[Any]:
    """Add up calls that have some keys in common.

    What a row has is worked out in a statement of its own, whose limit keeps SQLite from putting
    both into one: it would sort all columns that a key is made of, and make the key again of them.

    Args:
        scope: The calls.
        keys: What they have in common, with labels.
        more: Columns that the bounds are made of.
        bounds: When the first and the last of them were made.
    """
    tokens = [_column(scope, name) for name in _TOKENS]
    durations = [
        cast(_column(scope, name) * NS_PER_MS + 0.5, Integer).label(name)  # round() makes a text
        for name in _DURATIONS
    ]
    labelled = [count.label(name) for count, name in zip(tokens, _TOKENS, strict=True)]
    stated = _column(scope, "stated_cost_usd").label("stated_cost_usd")
    rows = scope.select(*keys, *labelled, *durations, stated, *more)
    inner = rows.where(WITHIN).order_by(None).limit(-1).subquery("calls")
    names: list[Field] = [column(key.name) for key in keys]
    first_token: Field = column("first_token_ms")
    cost: Field = column("stated_cost_usd")
    figures = [
        func.count(),
        *(func.sum(column(name)) for name in _TOKENS),
        func.min(column("input_tokens")),
        func.max(column("input_tokens")),
        *bounds,
        func.json_group_array(column("latency_ms")),
        func.json_group_array(first_token).filter(first_token.is_not(None)),
        # Seventeen digits say which number it is.
        func.group_concat(func.printf("%!.17g", cost)).filter(cost.is_not(None)),
    ]
    return select(*names, *figures).select_from(inner).group_by(*names)


def _build_flags(scope: Scope) -> Field:
    """Write the flags of a call; what is seldom true is only evaluated further if it is."""
    usage_known = _column(scope, "usage_known")
    usage = case((usage_known == 1, KNOWN), (usage_known == 0, 0), else_=DAMAGED)
    attempts = [_column(scope, "attempt"), _column(scope, "step_attempt")]
    are_numbers = and_(*(func.typeof(each).in_(("integer", "null")) for each in attempts))
    is_later = or_(*(each > 1 for each in attempts))
    later = case((is_later, case((are_numbers, LATER), else_=DAMAGED)), else_=0)
    latency, first_token = (_is_duration(scope, name) for name in _DURATIONS)
    first_token = or_(_column(scope, "first_token_ms").is_(None), first_token)
    durations = case((and_(latency, first_token), 0), else_=DAMAGED)
    cost = _column(scope, "stated_cost_usd")
    is_number = func.typeof(cost).in_(("real", "integer"))
    stated = case((cost.is_not(None), case((is_number, STATED), else_=DAMAGED)), else_=0)
    special = case((_has_special_report(scope), SPECIAL), else_=0)
    flags: Field = usage
    for flag in (later, durations, stated, special, _check_counts(scope)):
        flags = flags.bitwise_or(flag)
    return flags


def _check_counts(scope: Scope) -> Field:
    """Write the flags of counts that are none, or of which a part is more than the whole.

    A number is negative if one that went into it by `|` is. Each naming of a column costs as much
    as a comparison, so that all is looked at together, and one by one only if that is negative.
    """
    columns = [_column(scope, name) for name in _TOKENS]
    counts = [literal(0) if each is _ABSENT else each for each in columns]
    inputs, outputs, cache_reads, cache_writes, reasoning = counts
    together: Field = inputs - cache_reads - cache_writes
    for count in (outputs - reasoning, cache_reads, cache_writes, reasoning):
        together = together.bitwise_or(count)
    least: Field = literal(0)
    for count in counts:
        least = least.bitwise_or(count)
    contradicts = or_(cache_reads + cache_writes > inputs, reasoning > outputs)
    negative, special = case((least < 0, DAMAGED), else_=0), case((contradicts, SPECIAL), else_=0)
    return case((together >= 0, 0), else_=negative.bitwise_or(special))


def _is_duration(scope: Scope, name: str) -> ColumnElement[bool]:
    """Write whether a column has milliseconds; for the sign, it is not compared as text."""
    if _column(scope, name) is _ABSENT:
        return false()
    value: Field = literal_column(f"+{name}")
    return value.between(0, LONGEST_MS)


def _has_special_report(scope: Scope) -> Field:
    """Write whether something in a report of usage may have a price of its own."""
    report = _column(scope, "usage_json")
    words = (
        func.instr(report if nothing is None else func.replace(report, nothing, ""), word) > 0
        for word, nothing in SPECIAL_WORDS
    )
    hints = or_(func.typeof(report) != "text", *(report.like(hint) for hint in _HINTS))
    return and_(report.is_not(None), hints, or_(func.typeof(report) != "text", *words))


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
