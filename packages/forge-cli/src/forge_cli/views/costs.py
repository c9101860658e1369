"""What calls cost, from their tokens and unit prices; pure.

The arithmetic is genai-prices' own: cached tokens are part of the input and are charged at their
own price where there is one, and the price of a tier counts for all tokens of a request that
exceeds its start.

See D61.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TypeAlias

from forge_obs import PROVIDER, STARTED, Interaction

ModelKey: TypeAlias = tuple[str, str]
"""A provider, empty where nobody says which, and the name of a model."""

Rate: TypeAlias = tuple[tuple[int, Decimal], ...]
"""Prices in US dollars by the input tokens that a request must exceed, from none upwards."""

SAME_PRICES = {"openai-chat": "openai", "openai-responses": "openai"}
"""Words before the colon of a model whose prices stand under another provider."""

REFUSALS = frozenset(
    {"authentication", "context_too_long", "not_configured", "not_found", "overloaded", "quota"}
    | {"rate_limited", "rejected"}
)
"""Kinds of error that say that a request was turned away before any work was done for it.

After a broken connection, a time-out, a server's own error or an answer of no use, the provider may
bill what nobody can see here: such a call's cost is unknown."""

UNSENT = "not_sent"
"""Kind of error of a request that never went out."""

MILLION, THOUSAND = Decimal(1_000_000), Decimal(1_000)


@dataclass(frozen=True, slots=True)
class UnitPrices:
    """Prices per million tokens, and per thousand requests; None where there is no such price."""

    input: Rate | None = None
    output: Rate | None = None
    cache_read: Rate | None = None
    cache_write: Rate | None = None
    reasoning: Rate | None = None
    request: Rate | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """When prices hold: always, from a day on, or in some hours of each day, all in UTC."""

    prices: UnitPrices
    since: date | None = None
    hours: tuple[time, time] | None = None

    def holds(self, moment: datetime) -> bool:
        """Return whether the prices hold at a moment."""
        if self.since is not None:
            return moment.date() >= self.since
        if self.hours is None:
            return True
        start, end = self.hours
        clock = moment.time()
        if end < start:
            return clock >= start or clock < end
        return start <= clock < end


Schedule: TypeAlias = tuple[Period, ...]
"""Prices of one model over time; the last period that holds counts, else the first."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of models, as far as they are known."""

    version: str = ""
    """Version of the price data; empty where none was needed."""
    schedules: Mapping[ModelKey, Schedule | None] = field(default_factory=dict)

    def price_call(self, call: Interaction) -> Decimal | None:
        """Return what a call costs in US dollars; None where that is unknown."""
        if call.origin != PROVIDER or not call.usage_known or call.status == STARTED:
            return None
        schedules = (self.schedules.get(key) for key in list_keys(call))
        schedule = next((found for found in schedules if found), None)
        return None if schedule is None else _charge(call, _choose(schedule, call.created_at))


NO_PRICES = Prices()
"""Nothing is known of any price."""


def list_keys(call: Interaction) -> Iterator[ModelKey]:
    """List under which names a call's prices may stand: who answered, then who was asked."""
    word, colon, requested = (call.request_model or "").partition(":")
    word, requested = (word, requested) if colon else ("", word)
    provider = SAME_PRICES.get(word, word)
    for name in (call.model_name, requested):
        if name:
            yield provider, name


def list_models(calls: Iterable[Interaction]) -> list[ModelKey]:
    """List the models whose prices are needed for some calls, each once."""
    paid = (call for call in calls if call.origin == PROVIDER and call.usage_known)
    return list(dict.fromkeys(key for call in paid for key in list_keys(call)))


def _choose(schedule: Schedule, moment: datetime) -> UnitPrices:
    now = moment.astimezone(UTC)
    held = (period for period in reversed(schedule) if period.holds(now))
    return next(held, schedule[0]).prices


def _charge(call: Interaction, prices: UnitPrices) -> Decimal | None:
    if prices.input is None and prices.output is None:
        return None
    read = call.cache_read_tokens if prices.cache_read else 0
    written = call.cache_write_tokens if prices.cache_write else 0
    reasoned = call.reasoning_tokens if prices.reasoning else 0
    plain, said = call.input_tokens - read - written, call.output_tokens - reasoned
    if plain < 0 or said < 0:
        return None
    charged = (
        (prices.input, plain, MILLION),
        (prices.cache_read, read, MILLION),
        (prices.cache_write, written, MILLION),
        (prices.output, said, MILLION),
        (prices.reasoning, reasoned, MILLION),
        (prices.request, 1, THOUSAND),
    )
    return sum(
        (
            _find_price(rate, call.input_tokens) * count / unit
            for rate, count, unit in charged
            if rate
        ),
        Decimal(0),
    )


def _find_price(rate: Rate, input_tokens: int) -> Decimal:
    later = (price for start, price in reversed(rate[1:]) if input_tokens > start)
    return next(later, rate[0][1])


def is_refused(call: Interaction) -> bool:
    """Return whether a request was turned away before it was answered, which nobody bills."""
    kinds = REFUSALS | {UNSENT}
    return call.status == "error" and call.error_type in kinds and not call.usage_known


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over some calls; only those of a provider count for tokens and cost."""

    calls: int = 0
    scripted: int = 0
    """Calls that no provider answered: scripted, replayed. They are in no other sum."""
    refused: int = 0
    """Calls that the provider turned away: they have neither tokens nor a cost."""
    unanswered: int = 0
    """Calls whose outcome is not on record: under way, or of a process that is gone."""
    unreported: int = 0
    """Calls whose tokens are unknown and missing from the sums."""
    input_tokens: int = 0
    cached_tokens: int = 0
    """Of the input tokens, those that came from the provider's cache."""
    output_tokens: int = 0
    latency_ms: float = 0.0
    usd: Decimal = Decimal(0)
    """What the calls with a known price cost together."""
    unpriced: int = 0
    """Calls whose cost is unknown."""

    def __add__(self, other: "Tally") -> "Tally":
        """Sum the calls of both."""
        names = (field.name for field in fields(self))
        return Tally(*(getattr(self, name) + getattr(other, name) for name in names))

    @property
    def paid(self) -> int:
        """Calls that a provider answered, or may have."""
        return self.calls - self.scripted - self.refused

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens


def tally_calls(calls: Iterable[Interaction], prices: Prices) -> Tally:
    """Sum calls of models, each looked at once."""
    return sum((tally_call(call, prices) for call in calls), Tally())


def tally_call(call: Interaction, prices: Prices) -> Tally:
    """Return the sums over a single call."""
    started, latency_ms = int(call.status == STARTED), call.latency_ms
    if call.origin != PROVIDER:
        return Tally(calls=1, scripted=1, unanswered=started, latency_ms=latency_ms)
    if is_refused(call):
        return Tally(calls=1, refused=1, latency_ms=latency_ms)
    if not call.usage_known:
        return Tally(calls=1, unanswered=started, unreported=1, latency_ms=latency_ms, unpriced=1)
    usd = prices.price_call(call)
    return Tally(
        calls=1,
        unanswered=started,
        input_tokens=call.input_tokens,
        cached_tokens=call.cache_read_tokens,
        output_tokens=call.output_tokens,
        latency_ms=latency_ms,
        usd=usd or Decimal(0),
        unpriced=int(usd is None),
    )
