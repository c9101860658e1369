"""Sums over calls; pure."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from operator import add
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import orjson

from forge_obs.model.columns import PROVIDER, STARTED
from forge_obs.model.rows import NO_TIME, Interaction
from forge_obs.model.sanitize import clean_text, format_time

Grouping: TypeAlias = Literal[
    "model", "role", "step", "task", "hour", "quarter", "outcome", "error", "session"
]
"""What calls are grouped by: `hour` and `quarter` are of UTC, for days of any time zone."""

Kind: TypeAlias = Literal[
    "scripted", "simulated", "usual", "special", "stated", "started", "failed", "unreported"
]
"""What the cost of calls depends on: no provider answered, or a script pretends that one did;
tokens at listed prices; something that may have a price of its own, so that each is to be looked
at; what the answers themselves say; no outcome on record; failed without tokens; tokens unknown."""

REFUSED_BY_CHECKS: Final = "refused by checks"
REFUSED: Final = "refused: does not fit the files"
UNUSABLE: Final = "unusable answer"
NO_OUTCOME: Final = "no outcome on record"
UNNAMED: Final = "error"
"""How a call failed of which nothing else is known."""

JUDGED: Final = ("accepted", "refused", "unusable")
"""Outcomes of answers; a request for context is none."""

TURNED_BACK: Final = ("refused", "unusable")
"""Outcomes of answers that were not taken."""

ERROR_LENGTH: Final = 200
"""Characters of an error that tell its kind where no type does."""

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

_NONE: Final = array("Q")
_NO_COST: Final = Decimal(0)


class DamagedSum(ValueError):
    """One of the calls that were added up holds what its column cannot."""


class CallSum(NamedTuple):
    """Sums over calls of one kind in a range of ids.

    Attributes:
        group: What they are grouped by; None where they have no such thing.
        is_special: Whether something in them may have a price of its own, or contradicts itself.
        failure: `error_type` of calls of the kind `failed`.
        is_wasted: Whether they failed, or their answers were refused or unusable.
        is_judged: Whether they failed, or it is on record what became of their answers.
        failed: Calls whose request failed.
        started: Calls whose outcome is not on record.
        first_judged: Answers of a first attempt that were judged.
        first_accepted: Those of them that were accepted.
        accepted: Answers of a provider that were accepted, at any attempt.
        least_input: The fewest input tokens of one of them.
        most_input: The most.
        stated_usd: What those cost together whose answers say so.
        first_at: A moment before which none of them was made.
        last_at: One after which none was.
        latencies_ns: How long those took that a provider answered, in whole nanoseconds.
        first_tokens_ns: How long the first token took them, where it is known.
        key: What the store has in common for them, by which it finds them again.
    """

    group: str | None
    model_name: str
    request_model: str | None
    service_tier: str | None
    kind: Kind
    is_special: bool
    failure: str | None
    is_wasted: bool
    is_judged: bool
    calls: int
    failed: int
    started: int
    first_judged: int
    first_accepted: int
    accepted: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    latency_ms: float
    stated_usd: Decimal
    least_input: int
    most_input: int
    first_at: datetime
    last_at: datetime
    latencies_ns: "array[int]"
    first_tokens_ns: "array[int]"
    key: tuple[object, ...]

    def join(self, other: "CallSum") -> "CallSum":
        """Add up two sums over calls of one kind; neither durations nor the key are kept."""
        own: tuple[Any, ...] = self
        bounds = (
            min(self.least_input, other.least_input),
            max(self.most_input, other.most_input),
            min(self.first_at, other.first_at),
            max(self.last_at, other.last_at),
        )
        sums = map(add, own[_FIRST_SUM:_END_OF_SUMS], other[_FIRST_SUM:_END_OF_SUMS])
        return CallSum._make((*own[:_FIRST_SUM], *sums, *bounds, _NONE, _NONE, ()))


_FIRST_SUM: Final = CallSum._fields.index("calls")
_END_OF_SUMS: Final = CallSum._fields.index("stated_usd") + 1


@dataclass(frozen=True, slots=True)
class RangeSums:
    """Sums over the calls from one id to another.

    Attributes:
        singles: Calls that are in no sum, since one of them, or of those beside it, is damaged;
            each with its group. They have what sums are made of, not their texts.
    """

    lower: int
    upper: int
    sums: Sequence[CallSum] = ()
    singles: Sequence[tuple[str | None, Interaction]] = ()


class _Key(NamedTuple):
    """What the calls of a sum have in common, as `SumRow` has it."""

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
    """Sums as the store makes them: first what calls have in common, then figures of them.

    Attributes:
        group: What a user groups by, if it is in no other column.
        flags: `KNOWN`, `LATER`, `SPECIAL`, `DAMAGED` and `STATED`, added.
        latencies: Of all calls, in nanoseconds, as JSON.
        first_tokens: Of those that have one, likewise.
        stated_costs: Of those that have one, with commas between them.
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


_FIGURES_START: Final = SumRow._fields.index("calls")
_TOKENS: Final = slice(
    SumRow._fields.index("input_tokens"), SumRow._fields.index("reasoning_tokens") + 1
)


def load_sum(row: SumRow, by: Grouping | None) -> CallSum:
    """Build sums from what the store made.

    Raises:
        DamagedSum: One of the calls holds what its column cannot; they are to be read one by one.
    """
    values: tuple[Any, ...] = row
    key, tokens = values[:_FIGURES_START], values[_TOKENS]
    _check(row, tokens)
    common = _describe(key, by)
    calls, was_answered = row.calls, common.was_answered
    latencies = _load_durations(row.latencies)
    return CallSum(
        common.group,
        row.model_name or "",
        row.request_model,
        row.service_tier,
        common.kind or _find_pretence(row),
        common.is_special,
        common.failure,
        common.is_wasted,
        common.has_failed or row.outcome is not None,
        calls,
        calls if common.has_failed else 0,
        calls if common.is_started else 0,
        calls if common.is_first else 0,
        calls if common.is_first and row.outcome == "accepted" else 0,
        calls if was_answered and row.outcome == "accepted" else 0,
        *_count_tokens(*tokens),
        sum(latencies) / NS_PER_MS,
        _add_costs(row.stated_costs),
        row.least_input or 0,
        row.most_input or 0,
        _load_time(row.first_at),
        _load_time(row.last_at),
        array("Q", latencies) if was_answered else _NONE,
        array("Q", _load_durations(row.first_tokens)) if was_answered else _NONE,
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
def _describe(key: tuple[Any, ...], by: Grouping | None) -> _Common:
    """Find out what calls are; raises `DamagedSum` where that cannot be said."""
    if not _are_sound(key):
        raise DamagedSum("text")
    common = _Key._make(key)
    is_known = bool(common.flags & KNOWN)
    has_failed = common.status == "error"
    return _Common(
        _name_group(common, by),
        _find_kind(common, is_known=is_known),
        bool(common.flags & SPECIAL),
        common.error_type if has_failed and not is_known else None,
        has_failed or common.outcome in TURNED_BACK,
        has_failed,
        common.status == STARTED,
        not common.flags & LATER and common.outcome in JUDGED,
        common.origin == PROVIDER and common.status == "ok",
    )


def _count_tokens(
    given: int | None, taken: int | None, read: int | None, written: int | None, own: int | None
) -> tuple[int, int, int, int, int]:
    """Return sums, of which SQLite has none where the file has no such column."""
    return given or 0, taken or 0, read or 0, written or 0, own or 0


def _check(row: SumRow, tokens: tuple[Any, ...]) -> None:
    """Compare what SQLite gives with what the columns may hold; it adds up anything."""
    if row.flags is None or row.flags & DAMAGED:
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
    pretends = row.input_tokens or row.output_tokens or row.flags & (SPECIAL | STATED)
    return "simulated" if pretends else "scripted"


def _find_kind(common: "_Key", *, is_known: bool) -> Kind | None:
    if common.origin != PROVIDER:
        return None
    if common.status == STARTED:
        return "started" if is_known else "unreported"
    if is_known and common.flags & STATED:
        return "stated"
    if is_known:
        return "special" if common.flags & SPECIAL else "usual"
    return "failed" if common.status == "error" else "unreported"


def _name_group(row: "_Key", by: Grouping | None) -> str | None:
    match by:
        case None:
            return None
        case "model":
            return row.request_model or row.model_name or None
        case "outcome":
            return _name_outcome(row.status, row.outcome)
        case "error":
            has_checks = row.group == 1
            text = row.group if type(row.group) is str else None
            return _name_failure(row.status, row.error_type or text, row.outcome, has_checks)
        case _:
            return row.group or None


def find_group(call: Interaction, by: Grouping | None) -> str | None:
    """Return the group of a single call; None where it has nothing to be grouped by."""
    match by:
        case None:
            return None
        case "model":
            return call.request_model or call.model_name or None
        case "hour" | "quarter":
            return _name_hour(call.created_at, by)
        case "outcome":
            return _name_outcome(call.status, call.outcome)
        case "error":
            error = call.error_type or (call.error or "")[:ERROR_LENGTH]
            has_checks = call.failed_checks_json is not None
            return _name_failure(call.status, error, call.outcome, has_checks)
        case "role":
            return call.role or None
        case _:
            name: str | None = getattr(call, f"{by}_id")
            return name or None


def _name_hour(moment: datetime, by: Grouping) -> str | None:
    if moment == NO_TIME:
        return None
    text = format_time(moment)
    return text[:13] if by == "hour" else f"{text[:14]}{moment.minute // 15 * 15:02}"


def _name_outcome(status: str, outcome: str | None) -> str:
    """Return what became of a call: of its answer if it has one, else of the request."""
    return outcome if status == "ok" and outcome is not None else status


def _name_failure(
    status: str,
    error: str | None,
    outcome: str | None,
    has_checks: bool,
) -> str | None:
    """Return how a call failed, by kind; None for one that did not.

    Args:
        status: As stored.
        error: Type of its error, or the beginning of its text where that is unknown.
        outcome: What became of its answer.
        has_checks: Whether checks of its answer failed.
    """
    if status == "error":
        return error or UNNAMED
    if status == STARTED:
        return NO_OUTCOME
    if outcome == "refused":
        return REFUSED_BY_CHECKS if has_checks else REFUSED
    return UNUSABLE if outcome == "unusable" else None
