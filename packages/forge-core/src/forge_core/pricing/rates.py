"""What a request costs, from its tokens and unit prices; pure.

The arithmetic is genai-prices' own: cached tokens are part of the input and are charged at their
own price where there is one, and the price of a tier counts for all tokens of a request that
exceeds its start.

See D61.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Protocol, TypeAlias

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
bill what nobody can see here: such a request's cost is unknown."""

UNSENT = "not_sent"
"""Kind of error of a request that never went out."""

MILLION, THOUSAND = Decimal(1_000_000), Decimal(1_000)


class Usage(Protocol):
    """Tokens of one request."""

    @property
    def input_tokens(self) -> int:
        """Cached ones included."""

    @property
    def output_tokens(self) -> int:
        """Reasoning included."""

    @property
    def cache_read_tokens(self) -> int:
        """Of the input, those that came from the provider's cache."""

    @property
    def cache_write_tokens(self) -> int:
        """Of the input, those that were put there."""

    @property
    def reasoning_tokens(self) -> int:
        """Of the output, those that are no part of the answer."""


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


def list_model_keys(request_model: str | None, model_name: str | None) -> Iterator[ModelKey]:
    """List under which names a request's prices may stand: who answered, then who was asked.

    Args:
        request_model: As it was asked for, `provider:name`.
        model_name: The model that answered, as the provider names it.
    """
    word, colon, requested = (request_model or "").partition(":")
    word, requested = (word, requested) if colon else ("", word)
    provider = SAME_PRICES.get(word, word)
    for name in (model_name, requested):
        if name:
            yield provider, name


def price_usage(schedule: Schedule, usage: Usage, moment: datetime) -> Decimal | None:
    """Return what a request costs in US dollars; None where its tokens contradict each other.

    Args:
        schedule: Prices of its model.
        usage: Its tokens.
        moment: When it was made, with a time zone.
    """
    return _charge(usage, _choose(schedule, moment))


def _choose(schedule: Schedule, moment: datetime) -> UnitPrices:
    now = moment.astimezone(UTC)
    held = (period for period in reversed(schedule) if period.holds(now))
    return next(held, schedule[0]).prices


def _charge(usage: Usage, prices: UnitPrices) -> Decimal | None:
    if prices.input is None and prices.output is None:
        return None
    read = usage.cache_read_tokens if prices.cache_read else 0
    written = usage.cache_write_tokens if prices.cache_write else 0
    reasoned = usage.reasoning_tokens if prices.reasoning else 0
    plain, said = usage.input_tokens - read - written, usage.output_tokens - reasoned
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
            _find_price(rate, usage.input_tokens) * count / unit
            for rate, count, unit in charged
            if rate
        ),
        Decimal(0),
    )


def _find_price(rate: Rate, input_tokens: int) -> Decimal:
    later = (price for start, price in reversed(rate[1:]) if input_tokens > start)
    return next(later, rate[0][1])
