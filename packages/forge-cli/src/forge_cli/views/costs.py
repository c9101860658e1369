"""What calls cost together, and what of that is unknown; pure.

See D61.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from itertools import chain

from forge_core.pricing.rates import (
    REFUSALS,
    UNSENT,
    Batch,
    ModelKey,
    Schedule,
    Special,
    list_model_keys,
    price_usage,
)
from forge_obs import PROVIDER, STARTED, CallSum, Interaction, read_usage

from forge_cli.views.json_text import load_object

SPECIAL_WORDS = ("1h", "udio", "AUDIO", "mage", "IMAGE")
"""Parts of words that a report of nothing special does not hold."""

SCRIPTED = "scripted"
"""Origin of an answer from a script."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of models, as far as they are known."""

    version: str = ""
    """Version of the price data; empty where none was needed."""
    schedules: Mapping[ModelKey, Schedule | None] = field(default_factory=dict)

    def price_call(self, call: Interaction) -> Decimal | None:
        """Return what a call costs in US dollars; None where that is unknown.

        What the answer itself says that it cost counts before our own reckoning.
        """
        if not is_priced(call):
            return None
        if call.stated_cost_usd is not None:
            return Decimal(str(call.stated_cost_usd))
        schedule = self.find_schedule(call.request_model, call.model_name)
        return (
            None
            if schedule is None
            else price_usage(schedule, call, call.created_at, read_special(call))
        )

    def find_schedule(self, request_model: str | None, model_name: str) -> Schedule | None:
        """Return the prices of a model, as it was asked for and as it answered."""
        keys = list_model_keys(request_model, model_name)
        return next(filter(None, map(self.schedules.get, keys)), None)


def is_priced(call: Interaction) -> bool:
    """Return whether a call's tokens are known, and were a provider's."""
    return call.origin == PROVIDER and call.usage_known and call.status != STARTED


def read_special(call: Interaction) -> Special:
    """Read from a call's usage what has prices of its own."""
    report = call.usage_json or ""
    if not any(word in report for word in SPECIAL_WORDS):
        return Special(tier=call.service_tier)
    read = read_usage(load_object(report))
    return Special(
        tier=call.service_tier,
        cache_write_1h=read.cache_write_1h_tokens,
        input_audio=read.input_audio_tokens,
        output_audio=read.output_audio_tokens,
        cached_audio=read.cache_read_audio_tokens,
        input_image=read.input_image_tokens,
        output_image=read.output_image_tokens,
    )


NO_PRICES = Prices()
"""Nothing is known of any price."""


def list_models(calls: Iterable[Interaction | CallSum]) -> list[ModelKey]:
    """List the models whose prices are needed for some calls, each once."""
    paid = filter(_needs_price, calls)
    keys = (list_model_keys(call.request_model, call.model_name) for call in paid)
    return list(dict.fromkeys(chain.from_iterable(keys)))


def _needs_price(call: Interaction | CallSum) -> bool:
    if isinstance(call, CallSum):
        return call.kind in {"usual", "special", "stated"}
    return call.origin == PROVIDER and call.usage_known


def is_refused(call: Interaction) -> bool:
    """Return whether a request was turned away before it was answered, which nobody bills."""
    kinds = REFUSALS | {UNSENT}
    return call.status == "error" and call.error_type in kinds and not call.usage_known


@dataclass(frozen=True, slots=True)
class Simulation:
    """Sums over what scripted answers pretend to have taken."""

    calls: int = 0
    """Calls that pretend anything."""
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    usd: Decimal = Decimal(0)

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Simulation") -> "Simulation":
        """Sum the calls of both."""
        names = (field.name for field in fields(self))
        return Simulation(*(getattr(self, name) + getattr(other, name) for name in names))


NO_SIMULATION = Simulation()


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
    simulation: Simulation = NO_SIMULATION
    """What the scripted calls pretend, which is in no other sum."""

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

    @property
    def is_simulated(self) -> bool:
        """Whether there are simulated figures, and no others that they could be mixed with."""
        return bool(self.simulation.calls) and not self.paid

    @property
    def shown(self) -> "Simulation | Tally":
        """The sums to show: its own, or those of a simulation where there are no others."""
        return self.simulation if self.is_simulated else self


def tally_calls(calls: Iterable[Interaction], prices: Prices) -> Tally:
    """Sum calls of models, each looked at once."""
    return sum((tally_call(call, prices) for call in calls), Tally())


def tally_call(call: Interaction, prices: Prices) -> Tally:
    """Return the sums over a single call."""
    started, latency_ms = int(call.status == STARTED), call.latency_ms
    if call.origin != PROVIDER:
        return Tally(
            calls=1,
            scripted=1,
            unanswered=started,
            latency_ms=latency_ms,
            simulation=_read_simulation(call),
        )
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


def is_simulated(call: Interaction) -> bool:
    """Return whether a script pretends figures of a call; a replayed call pretends nothing."""
    figures = (call.input_tokens, call.output_tokens, call.stated_cost_usd)
    return call.origin == SCRIPTED and any(figures)


def _read_simulation(call: Interaction) -> Simulation:
    if not is_simulated(call):
        return NO_SIMULATION
    return Simulation(
        calls=1,
        input_tokens=call.input_tokens,
        cached_tokens=call.cache_read_tokens,
        output_tokens=call.output_tokens,
        usd=Decimal(str(call.stated_cost_usd or 0)),
    )


def tally_sum(total: CallSum, prices: Prices) -> Tally | None:
    """Return the sums over calls that were added up; None where they have to be priced one by one.

    To the cent what `tally_call` says of each of them together.
    """
    calls, latency_ms = total.calls, total.latency_ms
    if total.kind == "simulated":
        return None
    if total.kind == "scripted":
        return Tally(calls=calls, scripted=calls, unanswered=total.started, latency_ms=latency_ms)
    if total.kind == "failed" and total.failure in REFUSALS | {UNSENT}:
        return Tally(calls=calls, refused=calls, latency_ms=latency_ms)
    counts = Tally(calls=calls, unanswered=total.started, latency_ms=latency_ms, unpriced=calls)
    if total.kind in {"failed", "unreported"}:
        return replace(counts, unreported=calls)
    counts = replace(
        counts,
        input_tokens=total.input_tokens,
        cached_tokens=total.cache_read_tokens,
        output_tokens=total.output_tokens,
    )
    if total.kind == "stated":
        return replace(counts, usd=total.stated_usd, unpriced=0)
    schedule = prices.find_schedule(total.request_model, total.model_name)
    if total.kind == "started" or (total.kind == "usual" and schedule is None):
        return counts
    batch = build_batch(total)
    if total.kind == "special" or not batch.has_one_price(schedule or (), total.service_tier):
        return None
    special = Special(tier=total.service_tier)
    usd = price_usage(schedule or (), total, batch.first_at, special, batch)
    return counts if usd is None else replace(counts, usd=usd, unpriced=0)


def build_batch(total: CallSum) -> Batch:
    """Describe what the price of calls that were added up depends on."""
    least, most = total.least_input, total.most_input
    return Batch(total.calls, least, most, total.first_at, total.last_at)
