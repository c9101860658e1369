"""Calls that were added up, by whatever they are grouped by; pure."""

import math
import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from forge_obs import PROVIDER, Interaction

from forge_cli.views.costs import Tally, is_priced
from forge_cli.views.outline import LONGEST_MS

PERCENTILES = (50, 95, 99)

VARYING = re.compile(r"0x[0-9a-fA-F]+|[0-9a-f]{8}-[0-9a-f-]{27}|\d+")
"""What of an error's text differs from one to the next: times, ports, ids."""

LONGEST_NAME = 100

SAMPLES = 4096
"""About how many of many values are looked at to find out where a percentile is."""

NS_PER_MS = 1_000_000

NEAR = 150
"""How many places of a sample a percentile is probably away from where it is there, at most."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Exact percentiles in milliseconds: what so many of a hundred durations do not exceed."""

    p50: float
    p95: float
    p99: float


@dataclass(slots=True)
class Figures:
    """Figures of the calls of one group, which grow while the store is read."""

    tally: Tally = field(default_factory=Tally)
    failed: int = 0
    """Calls whose request failed."""
    first_judged: int = 0
    """Answers of a first attempt that were judged."""
    first_accepted: int = 0
    """Those of them that were accepted."""
    accepted: int = 0
    """Answers of a provider that were accepted, at any attempt."""
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    wasted_usd: Decimal = Decimal(0)
    """What calls cost that failed, or whose answers were not accepted."""
    judged_usd: Decimal = Decimal(0)
    """What calls cost that failed, or whose answers were judged; other programs judge none."""
    as_model_usd: Decimal = Decimal(0)
    """What the same tokens cost at another model."""
    as_model_unknown: int = 0
    """Calls of which that is not known."""
    latencies_ns: "array[int]" = field(default_factory=lambda: array("Q"))
    first_tokens_ns: "array[int]" = field(default_factory=lambda: array("Q"))

    def add(self, other: "Figures") -> None:
        """Add the calls of another group."""
        self.tally += other.tally
        self.failed += other.failed
        self.first_judged += other.first_judged
        self.first_accepted += other.first_accepted
        self.accepted += other.accepted
        self.cache_write_tokens += other.cache_write_tokens
        self.reasoning_tokens += other.reasoning_tokens
        self.wasted_usd += other.wasted_usd
        self.judged_usd += other.judged_usd
        self.as_model_usd += other.as_model_usd
        self.as_model_unknown += other.as_model_unknown
        self.latencies_ns.extend(other.latencies_ns)
        self.first_tokens_ns.extend(other.first_tokens_ns)

    def add_call(self, call: Interaction, tally: Tally) -> None:
        """Add a single call, of which the tally says what it cost."""
        self.tally += tally
        self.failed += call.status == "error"
        if (call.attempt or 1) == (call.step_attempt or 1) == 1:
            self.first_judged += call.outcome in {"accepted", "refused", "unusable"}
            self.first_accepted += call.outcome == "accepted"
        if is_priced(call):
            self.cache_write_tokens += call.cache_write_tokens
            self.reasoning_tokens += call.reasoning_tokens
        if call.status == "error" or call.outcome in {"refused", "unusable"}:
            self.wasted_usd += tally.usd
        if call.status == "error" or call.outcome is not None:
            self.judged_usd += tally.usd
        if call.status == "ok" and call.origin == PROVIDER:
            self.accepted += call.outcome == "accepted"
            first = [] if call.first_token_ms is None else [_count_ns(call.first_token_ms)]
            self.add_durations([_count_ns(call.latency_ms)], first)

    def add_durations(self, latencies_ns: Iterable[int], first_tokens_ns: Iterable[int]) -> None:
        """Add how long answers took, and their first tokens."""
        self.latencies_ns.extend(latencies_ns)
        self.first_tokens_ns.extend(first_tokens_ns)

    @property
    def first_rate(self) -> float | None:
        """The share of first attempts whose answers were accepted; None where none was judged."""
        return self.first_accepted / self.first_judged if self.first_judged else None

    @property
    def usd_per_accepted(self) -> Decimal | None:
        """What an accepted answer cost, with what was refused and failed; None where unknown.

        Calls whose cost is not known count as nothing, and none does whose answer was not judged.
        """
        is_known = self.tally.unpriced < self.tally.paid
        return self.judged_usd / self.accepted if self.accepted and is_known else None


@dataclass(frozen=True, slots=True)
class Group:
    """The calls of one group."""

    name: str | None
    """None for calls that have nothing to be grouped by."""
    figures: Figures


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was asked for: groups in order, and all calls together."""

    groups: Sequence[Group]
    total: Figures
    price_data: str = ""
    """Version of the price data; empty where none was needed."""
    damaged: int = 0
    """Calls that hold what their columns cannot, which counts as nothing."""


def _count_ns(duration_ms: float) -> int:
    return round(min(max(0.0, duration_ms), LONGEST_MS) * NS_PER_MS)


def find_percentiles(values: "array[int]") -> Percentiles | None:
    """Find the percentiles of some durations in nanoseconds; None of none."""
    if not values:
        return None
    ranks = [math.ceil(percent / 100 * len(values)) - 1 for percent in PERCENTILES]
    return Percentiles(*(value / NS_PER_MS for value in _select(values, ranks)))


def _select(values: Sequence[int], ranks: Sequence[int]) -> list[int]:
    """Return which values would stand at some ranks, the least first, if all were sorted.

    Of many values only those are sorted that a sample shows to be near; a sample that misleads
    costs the time to sort all.
    """
    sample = sorted(values[:: max(1, len(values) // SAMPLES)])
    if len(sample) == len(values):
        return [sample[rank] for rank in ranks]
    place = ranks[0] * len(sample) // len(values)
    low, high = sample[max(0, place - NEAR)], sample[min(len(sample) - 1, place + NEAR)]
    rest = [value for value in values if value >= low]
    near = sorted(value for value in rest if value <= high)
    before = len(values) - len(rest)
    if not 0 <= ranks[0] - before < len(near):
        ordered = sorted(values)
        return [ordered[rank] for rank in ranks]
    others = [rank - before for rank in ranks[1:]]
    return [near[ranks[0] - before], *(_select(rest, others) if others else [])]


def total_groups(groups: Iterable[Group]) -> Figures:
    """Add up groups that share no call."""
    total = Figures()
    for group in groups:
        total.add(group.figures)
    return total


def merge_groups(groups: Iterable[Group], rename: Callable[[str], str]) -> list[Group]:
    """Put together what has one name in the end, in the order of `sort_by_cost`.

    Args:
        groups: Groups that share no call.
        rename: Returns the name under which one is shown.
    """
    merged: dict[str | None, Figures] = {}
    for group in groups:
        name = None if group.name is None else rename(group.name)
        merged.setdefault(name, Figures()).add(group.figures)
    return sort_by_cost(Group(name, figures) for name, figures in merged.items())


def sort_by_cost(groups: Iterable[Group]) -> list[Group]:
    """Put groups in the order of their cost, then of their calls, the most first."""
    return sorted(groups, key=_weigh)


def _weigh(group: Group) -> tuple[Decimal, int, str]:
    tally = group.figures.tally
    return -tally.usd, -tally.calls, group.name or ""


def shorten_failure(text: str) -> str:
    """Return the kind of failure that an error's text tells of: one line without numbers."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), text)
    return VARYING.sub("N", line)[:LONGEST_NAME]


def name_day(text: str, zone: tzinfo | None) -> str:
    """Return the day of a moment in a time zone, that of this machine if None.

    Args:
        text: The moment in UTC, to the hour or the minute.
        zone: The time zone.
    """
    try:
        moment = datetime.fromisoformat(text if len(text) > 13 else f"{text}:00")
        return moment.replace(tzinfo=UTC).astimezone(zone).date().isoformat()
    except (ValueError, OverflowError):  # no moment, or one at an end of the calendar
        return text[:10]


def has_whole_hours(zone: tzinfo | None, year: int) -> bool:
    """Return whether a time zone differs from UTC by whole hours, in winter and in summer."""
    moments = (datetime(year, month, 1, tzinfo=UTC).astimezone(zone) for month in (1, 7))
    offsets = (moment.utcoffset() for moment in moments)
    return all(offset is not None and offset.seconds % 3600 == 0 for offset in offsets)
