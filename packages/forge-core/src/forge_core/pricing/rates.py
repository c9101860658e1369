"""What a request costs, from its tokens and unit prices; pure.

The arithmetic is genai-prices' own: cached tokens are part of the input and are charged at their
own price where there is one, and the price of a tier counts for all tokens of a request that
exceeds its start.

See D61.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, fields
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
    | {"rate_limited", "rejected", "unreachable", "wrong_address"}
)
"""Kinds of error that say that a request was turned away before any work was done for it.

After a broken connection, a time-out, a server's own error or an answer of no use, the provider may
bill what nobody can see here: such a request's cost is unknown."""

USUAL_TIERS = frozenset({"", "auto", "default", "standard", "on_demand", "on-demand"})
"""Words of providers for the service that has the listed prices."""

UNSENT = "not_sent"
"""Kind of error of a request that never went out, for a reason that nobody expected."""

NEVER_SENT = frozenset({UNSENT, "unreachable"})
"""Kinds of error of requests that never went out."""

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
class Special:
    """What else of a request has prices of its own, where it was reported.

    Attributes:
        tier: How urgently it was served, in the provider's word; None where it does not say.
        cache_write_1h: Of the tokens put into the cache, those that are kept for an hour.
        cached_audio: Of the cached tokens, those that are sound.
    """

    tier: str | None = None
    cache_write_1h: int = 0
    input_audio: int = 0
    output_audio: int = 0
    cached_audio: int = 0
    input_image: int = 0
    output_image: int = 0


PLAIN = Special()
"""A request with nothing special about it."""


@dataclass(frozen=True, slots=True)
class UnitPrices:
    """Prices per million tokens, and per thousand requests; None where there is no such price."""

    input: Rate | None = None
    output: Rate | None = None
    cache_read: Rate | None = None
    cache_write: Rate | None = None
    cache_write_1h: Rate | None = None
    reasoning: Rate | None = None
    input_audio: Rate | None = None
    output_audio: Rate | None = None
    cached_audio: Rate | None = None
    input_image: Rate | None = None
    output_image: Rate | None = None
    request: Rate | None = None

    def replace_by(self, others: "UnitPrices") -> "UnitPrices":
        """Return these prices with others in their place, where there are others."""
        names = (field.name for field in fields(self))
        pairs = ((name, getattr(others, name) or getattr(self, name)) for name in names)
        return UnitPrices(**dict(pairs))


@dataclass(frozen=True, slots=True)
class Period:
    """When prices hold: always, from a day on, or in some hours of each day, all in UTC."""

    prices: UnitPrices
    since: date | None = None
    hours: tuple[time, time] | None = None
    tier: str = ""
    """For which tier of service they replace others; empty for the usual one."""

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


def price_usage(
    schedule: Schedule,
    usage: Usage,
    moment: datetime,
    special: Special = PLAIN,
    batch: "Batch | None" = None,
) -> Decimal | None:
    """Return what a request costs in US dollars, or several that have the same unit prices.

    None where its tokens contradict each other, or where nobody knows the prices of its tier or of
    something in it.

    Args:
        schedule: Prices of its model.
        usage: Its tokens.
        moment: When it was made, with a time zone.
        special: What else has prices of its own.
        batch: Of how many requests these are the tokens; of one if None.
    """
    prices = _choose(schedule, moment, special.tier)
    return None if prices is None else _charge(usage, prices, special, batch)


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests of one model whose tokens were added up.

    Attributes:
        requests: How many they are.
        least_input: The fewest input tokens of one of them.
        most_input: The most.
        first_at: When the first was made, with a time zone.
        last_at: When the last was.
    """

    requests: int
    least_input: int
    most_input: int
    first_at: datetime
    last_at: datetime

    def has_one_price(self, schedule: Schedule, tier: str | None = None) -> bool:
        """Return whether all of them have the same unit prices."""
        if any(period.hours for period in schedule) and self.first_at != self.last_at:
            return False
        prices = _choose(schedule, self.first_at, tier)
        if prices != _choose(schedule, self.last_at, tier):
            return False
        rates = (getattr(prices, field.name, None) for field in fields(UnitPrices))
        starts = (start for rate in rates if rate for start, _ in rate[1:])
        return not any(self.least_input <= start < self.most_input for start in starts)


@dataclass(frozen=True, slots=True)
class PriceSteps:
    """Where the unit prices of a schedule change.

    Attributes:
        days: From which on others hold, in order.
        starts: Input tokens beyond which others hold, in order.
        is_hourly: Whether some hold at some hours of the day only.
    """

    days: tuple[date, ...]
    starts: tuple[int, ...]
    is_hourly: bool

    @classmethod
    def of(cls, schedule: Schedule) -> "PriceSteps":
        """Find the steps of a schedule."""
        rates = (getattr(each.prices, f.name) for each in schedule for f in fields(UnitPrices))
        starts = {start for rate in rates if rate for start, _ in rate[1:]}
        days = {period.since for period in schedule if period.since is not None}
        is_hourly = any(period.hours for period in schedule)
        return cls(tuple(sorted(days)), tuple(sorted(starts)), is_hourly)

    @property
    def is_level(self) -> bool:
        """Whether there are none: every request has the same unit prices."""
        return not (self.days or self.starts or self.is_hourly)

    def find(self, batch: Batch) -> tuple[int, int] | None:
        """Return on which steps the requests of a batch are; None for several, or for hours.

        Batches of one model and tier on the same steps have the same unit prices.
        """
        if self.is_hourly:
            return None
        day = bisect_right(self.days, batch.first_at.astimezone(UTC).date())
        start = bisect_left(self.starts, batch.least_input)
        last = (
            bisect_right(self.days, batch.last_at.astimezone(UTC).date()),
            bisect_left(self.starts, batch.most_input),
        )
        return last if last == (day, start) else None


def _choose(schedule: Schedule, moment: datetime, tier: str | None) -> UnitPrices | None:
    now = moment.astimezone(UTC)
    usual = [period for period in schedule if not period.tier]
    held = (period for period in reversed(usual) if period.holds(now))
    prices = next(held, usual[0]).prices
    if tier is None or tier in USUAL_TIERS:
        return prices
    others = [period for period in schedule if period.tier == tier and period.holds(now)]
    for period in reversed(others):  # the first of them counts
        prices = prices.replace_by(period.prices)
    return prices if others else None


def _charge(
    usage: Usage, prices: UnitPrices, special: Special, batch: Batch | None
) -> Decimal | None:
    if prices.input is None and prices.output is None:
        return None
    requests = 1 if batch is None else batch.requests
    parts = [*_list_parts(usage, prices, special), (prices.request, requests, THOUSAND)]
    if any(count < 0 for _, count, _ in parts) or _is_doubtful(usage, prices, special):
        return None
    size = usage.input_tokens if batch is None else batch.least_input
    charges = (_find_price(rate, size) * count / unit for rate, count, unit in parts if rate)
    return sum(charges, Decimal(0))


def _list_parts(
    usage: Usage, prices: UnitPrices, special: Special
) -> Iterator[tuple[Rate | None, int, Decimal]]:
    """List what is charged: parts that have a price of their own are no part of the rest."""
    read = usage.cache_read_tokens if prices.cache_read else 0
    read_audio = special.cached_audio if prices.cached_audio else 0
    written = usage.cache_write_tokens if prices.cache_write else 0
    for_an_hour = special.cache_write_1h if written and prices.cache_write_1h else 0
    audio = special.input_audio - special.cached_audio if prices.input_audio else 0
    image = special.input_image if prices.input_image else 0
    yield prices.input, usage.input_tokens - read - written - audio - image, MILLION
    yield prices.input_audio, audio, MILLION
    yield prices.input_image, image, MILLION
    yield prices.cache_read, read - read_audio, MILLION
    yield prices.cached_audio, read_audio, MILLION
    yield prices.cache_write, written - for_an_hour, MILLION
    yield prices.cache_write_1h, for_an_hour, MILLION
    reasoned = usage.reasoning_tokens if prices.reasoning else 0
    spoken = special.output_audio if prices.output_audio else 0
    drawn = special.output_image if prices.output_image else 0
    yield prices.output, usage.output_tokens - reasoned - spoken - drawn, MILLION
    yield prices.reasoning, reasoned, MILLION
    yield prices.output_audio, spoken, MILLION
    yield prices.output_image, drawn, MILLION


def _is_doubtful(usage: Usage, prices: UnitPrices, special: Special) -> bool:
    """Return whether cached tokens may be sound or images, and nothing says how many are."""
    if not (usage.cache_read_tokens and prices.cache_read):
        return False
    has_sound = bool(special.input_audio and prices.input_audio and not special.cached_audio)
    return has_sound or bool(special.input_image and prices.input_image)


def _find_price(rate: Rate, input_tokens: int) -> Decimal:
    later = (price for start, price in reversed(rate[1:]) if input_tokens > start)
    return next(later, rate[0][1])
