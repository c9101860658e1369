"""Sums as the store makes them, and what they mean; pure."""

import math
from array import array
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson

from forge_obs.model.columns import PROVIDER, STARTED
from forge_obs.model.sanitize import clean_text
from forge_obs.model.sums.call_sums import NO_DURATIONS, CallSum, Kind
from forge_obs.model.sums.groups import (
    JUDGED,
    TURNED_BACK,
    Grouping,
    name_failure,
    name_outcome,
)

KNOWN: Final = 1
"""Flag of calls whose tokens are known."""

LATER: Final = 2
"""Flag of calls of an attempt after the first."""

SPECIAL: Final = 4
"""Flag of calls of which something may have a price of its own."""

DAMAGED: Final = 8
"""Flag of calls of which a figure is none."""

STATED: Final = 16
"""Flag of calls whose answers say what they cost."""

NS_PER_MS: Final = 1_000_000

LONGEST_MS: Final = 9e9
"""How long a call may take that is in a sum, in milliseconds: a float holds the nanoseconds."""

_NO_COST: Final = Decimal(0)


class DamagedSum(ValueError):
    """One of the calls that were added up holds what its column cannot."""


class SumKey(NamedTuple):
    """What the calls of a sum have in common, as the store has it.

    Attributes:
        group: What a user groups by, if it is in no other column.
        flags: `KNOWN`, `LATER`, `SPECIAL`, `DAMAGED` and `STATED`, added.
    """

    group: Any
    model_name: Any
    request_model: Any
    service_tier: Any
    status: Any
    error_type: Any
    origin: Any
    outcome: Any
    flags: Any


class SumRow(NamedTuple):
    """Sums as the store makes them.

    Attributes:
        latencies: Of all calls, in nanoseconds, as JSON.
        first_tokens: Of those that have one, likewise.
        stated_costs: Of those that have one, with commas between them.
    """

    key: SumKey
    calls: int
    input_tokens: Any
    output_tokens: Any
    cache_read_tokens: Any
    cache_write_tokens: Any
    reasoning_tokens: Any
    least_input: Any
    most_input: Any
    first_at: Any
    last_at: Any
    latencies: Any
    first_tokens: Any
    stated_costs: Any


_TOKENS: Final = slice(
    SumRow._fields.index("input_tokens"), SumRow._fields.index("reasoning_tokens") + 1
)


def load_sum(row: SumRow, by: Grouping | None) -> CallSum:
    """Build sums from what the store made.

    Raises:
        DamagedSum: One of the calls holds what its column cannot; they are to be read one by one.
    """
    values: tuple[Any, ...] = row
    key, tokens = row.key, values[_TOKENS]
    _check(key, tokens)
    common = _describe(key, by)
    calls, was_answered = row.calls, common.was_answered
    latencies = _load_durations(row.latencies)
    return CallSum(
        common.group,
        key.model_name or "",
        key.request_model,
        key.service_tier,
        common.kind or _find_pretence(row),
        common.is_special,
        common.failure,
        common.is_wasted,
        common.has_failed or key.outcome is not None,
        calls,
        calls if common.has_failed else 0,
        calls if common.is_started else 0,
        calls if common.is_first else 0,
        calls if common.is_first and key.outcome == "accepted" else 0,
        calls if was_answered and key.outcome == "accepted" else 0,
        *_count_tokens(*tokens),
        sum(latencies) / NS_PER_MS,
        _add_costs(row.stated_costs),
        row.least_input or 0,
        row.most_input or 0,
        _load_time(row.first_at),
        _load_time(row.last_at),
        array("Q", latencies) if was_answered else NO_DURATIONS,
        array("Q", _load_durations(row.first_tokens)) if was_answered else NO_DURATIONS,
        key,
    )


class _Common(NamedTuple):
    """What follows from what the calls of a sum have in common."""

    group: str | None
    kind: Kind | None
    """None where no provider answered, so that it depends on their tokens."""
    is_special: bool
    failure: str | None
    is_wasted: bool
    has_failed: bool
    is_started: bool
    is_first: bool
    """Whether they are judged answers of a first attempt."""
    was_answered: bool


@lru_cache(maxsize=8192)
def _describe(key: SumKey, by: Grouping | None) -> _Common:
    """Find out what calls are; raises `DamagedSum` where that cannot be said."""
    if not _are_sound(key):
        raise DamagedSum("text")
    is_known = bool(key.flags & KNOWN)
    has_failed = key.status == "error"
    return _Common(
        _name_group(key, by),
        _find_kind(key, is_known=is_known),
        bool(key.flags & SPECIAL),
        key.error_type if has_failed and not is_known else None,
        has_failed or key.outcome in TURNED_BACK,
        has_failed,
        key.status == STARTED,
        not key.flags & LATER and key.outcome in JUDGED,
        key.origin == PROVIDER and key.status == "ok",
    )


def _count_tokens(
    inputs: int | None,
    outputs: int | None,
    cache_reads: int | None,
    cache_writes: int | None,
    reasoning: int | None,
) -> tuple[int, int, int, int, int]:
    """Return sums, of which SQLite has none where the file has no such column."""
    return inputs or 0, outputs or 0, cache_reads or 0, cache_writes or 0, reasoning or 0


def _check(key: SumKey, tokens: tuple[Any, ...]) -> None:
    """Compare what SQLite gives with what the columns may hold; it adds up anything."""
    if key.flags is None or key.flags & DAMAGED:
        raise DamagedSum("flags")
    # A sum of anything but integers is a float.
    if float in map(type, tokens):
        raise DamagedSum("tokens")


def _are_sound(key: tuple[object, ...]) -> bool:
    """Return whether all is text that UTF-8 can encode, a number of ours or nothing."""
    texts = (value for value in key if type(value) is not int and value is not None)
    return all(type(text) is str and clean_text(text)[1] is None for text in texts)


def _load_durations(text: str) -> list[int]:
    durations: list[int] = orjson.loads(text)
    return durations


def _add_costs(text: Any) -> Decimal:  # noqa: ANN401 - of a file
    """Add up costs as each call by itself has them, see `Interaction.stated_cost_usd`."""
    if text is None:
        return _NO_COST
    costs = list(map(float, text.split(",")))
    if min(costs) < 0 or not math.isfinite(sum(costs)):
        raise DamagedSum("stated_cost_usd")
    return sum((Decimal(str(cost)) for cost in costs), _NO_COST)


@lru_cache(maxsize=64)
def _load_time(text: Any) -> datetime:  # noqa: ANN401 - of a file
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError) as error:
        raise DamagedSum("created_at") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _find_pretence(row: SumRow) -> Kind:
    """Return of which kind calls are that no provider answered."""
    pretends = row.input_tokens or row.output_tokens or row.key.flags & (SPECIAL | STATED)
    return "simulated" if pretends else "scripted"


def _find_kind(key: SumKey, *, is_known: bool) -> Kind | None:
    if key.origin != PROVIDER:
        return None
    if key.status == STARTED:
        return "started" if is_known else "unreported"
    if is_known and key.flags & STATED:
        return "stated"
    if is_known:
        return "special" if key.flags & SPECIAL else "usual"
    return "failed" if key.status == "error" else "unreported"


def _name_group(key: SumKey, by: Grouping | None) -> str | None:
    match by:
        case None:
            return None
        case "model":
            return key.request_model or key.model_name or None
        case "outcome":
            return name_outcome(key.status, key.outcome)
        case "error":
            text = key.group if type(key.group) is str else None
            error, has_checks = key.error_type or text, key.group == 1
            return name_failure(key.status, error, key.outcome, has_checks=has_checks)
        case _:
            return key.group or None
