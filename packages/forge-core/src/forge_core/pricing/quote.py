"""The price of a request to a model, also where nobody knows it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from forge_core.models.budget import parse_price_pair
from forge_core.pricing.catalogue import load_schedules
from forge_core.pricing.rates import (
    PLAIN,
    Period,
    Schedule,
    Special,
    UnitPrices,
    Usage,
    list_model_keys,
    price_usage,
)


@dataclass(frozen=True, slots=True)
class PlainUsage:
    """Tokens of which nothing more is known."""

    input_tokens: int
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request is charged for."""

    model: str
    """As it was asked for, `provider:name`."""
    usage: Usage
    """Its tokens."""
    answered_by: str | None = None
    """The model that answered, as the provider names it."""
    special: Special = PLAIN
    """What else of it has prices of its own; one that nobody knows is as the usual one."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a request costs."""

    usd: Decimal = Decimal(0)
    is_known: bool = True
    is_assumed: bool = False
    """Whether it is by the price that the user assumes."""


UNKNOWN = Quote(is_known=False)


def is_priced(model: str) -> bool:
    """Return whether there is a price for a model, asked for as `provider:name`."""
    return _find_schedule(model, None) is not None


def quote_request(charge: Charge, moment: datetime, assumed: str | None = None) -> Quote:
    """Return what a request costs.

    Where its figures contradict each other, it is charged without the rebate for cached tokens.

    Args:
        charge: What for.
        moment: When it was made, with a time zone.
        assumed: The price of a model that has none, `IN,OUT`.
    """
    usage = charge.usage
    schedule = _find_schedule(charge.model, charge.answered_by)
    is_assumed = schedule is None and assumed is not None
    if schedule is None:
        if assumed is None:
            return UNKNOWN
        schedule = _build_schedule(assumed)
    plain = PlainUsage(usage.input_tokens, usage.output_tokens)
    ways = [(each, special) for special in (charge.special, PLAIN) for each in (usage, plain)]
    prices = (price_usage(schedule, tokens, moment, special) for tokens, special in ways)
    usd = next((price for price in prices if price is not None), None)
    return UNKNOWN if usd is None else Quote(usd, is_assumed=is_assumed)


def _find_schedule(model: str, answered_by: str | None) -> Schedule | None:
    keys = list(list_model_keys(model, answered_by))
    schedules = load_schedules(keys)
    return next(filter(None, map(schedules.get, keys)), None)


def _build_schedule(assumed: str) -> Schedule:
    given, taken = parse_price_pair(assumed)
    return (Period(UnitPrices(input=((0, given),), output=((0, taken),))),)
