"""Numbers and moments, for reading."""

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal

from forge_cli.views.costs import Prices, Tally

LONGEST_S = 1e11
"""Seconds beyond which a duration is an error, some 3,000 years."""


SIMULATED = "sim"
"""Before a cost that a script pretends."""


def format_count(number: int, noun: str) -> str:
    """Format a number of things, e.g. ``1 step`` or ``3 steps``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def format_tokens(number: int) -> str:
    """Format a number of tokens to three digits, e.g. ``950``, ``4.12k`` or ``1.03M``."""
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if number >= size:
            short = number / size
            return f"{short:.{max(0, 3 - len(str(int(short))))}f}{unit}"
    return str(number)


def format_sum(tally: Tally, tokens: int) -> str:
    """Format tokens of some calls; `+` where a part is unknown, `-` where no provider was asked.

    Args:
        tally: The calls.
        tokens: Of `tally.shown`.
    """
    if not tally.paid:
        return format_tokens(tokens) if tally.is_simulated else "-"
    if tally.unreported == tally.paid:
        return "?"
    return format_tokens(tokens) + ("+" if tally.unreported else "")


def format_usd(amount: Decimal) -> str:
    """Format US dollars: cents where they tell it, else two digits that do."""
    if amount >= 1 or not amount:
        return f"${amount:,.2f}"
    return f"${amount:.4f}" if amount >= Decimal("0.001") else f"${amount:.2g}"


def format_cost(tally: Tally) -> str:
    """Format what calls cost together; `+` where a part is unknown, `-` where none costs."""
    if not tally.paid:
        return f"{SIMULATED} {format_usd(tally.simulation.usd)}" if tally.is_simulated else "-"
    if tally.unpriced == tally.paid:
        return "unknown"
    return format_usd(tally.usd) + ("+" if tally.unpriced else "")


def describe_cost(tally: Tally, prices: Prices) -> str:
    """Say what calls cost, and by which data; what is unknown is named; empty if none was paid."""
    if not tally.paid:
        cost = format_usd(tally.simulation.usd)
        return f"nothing; the script simulates {cost}" if tally.is_simulated else ""
    source = f" by genai-prices {prices.version}" if prices.version else ""
    if tally.unpriced == tally.paid:
        return f"unknown{source}"
    rest = f", {tally.unpriced:,} of {tally.paid:,} calls unknown" if tally.unpriced else ""
    return f"{format_usd(tally.usd)}{source}{rest}"


def format_milliseconds(value: float) -> str:
    """Format a latency."""
    return f"{max(0.0, value):.0f} ms" if value < 1000 else _format_seconds(value / 1000)


def format_duration(duration: timedelta) -> str:
    """Format how long something took, to two units."""
    return _format_seconds(max(0.0, duration.total_seconds()))


def _format_seconds(seconds: float) -> str:
    if seconds > LONGEST_S:
        return "?"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def format_age(moment: datetime, now: datetime) -> str:
    """Format how long ago a moment was, to one unit, as in ``3 min ago``."""
    return f"{format_short_age(moment, now)} ago"


def format_short_age(moment: datetime, now: datetime) -> str:
    """Format how long ago a moment was, to one unit, as in ``3 min``."""
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def format_moment(moment: datetime, zone: tzinfo | None = UTC) -> str:
    """Format a moment to the second, with the name of its time zone; None is the user's zone."""
    try:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
    except (OverflowError, ValueError):  # the first or the last day of the calendar
        return f"{moment:%Y-%m-%d %H:%M:%S %Z}"


def name_retry(activity_attempt: int | None) -> str:
    """Name an activity attempt after the first, e.g. ``retry 1``; empty for the first."""
    number = (activity_attempt or 1) - 1
    return f"retry {number}" if number > 0 else ""
