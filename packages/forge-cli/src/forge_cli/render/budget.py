"""The budget of a run in words; pure."""

from datetime import timedelta
from decimal import Decimal

from forge_cli.render.figures import (
    format_count,
    format_duration,
    format_tokens,
    format_usd,
)
from forge_cli.views.budget import OPTIONS, BudgetView
from forge_cli.views.costs import Tally


def describe_budget(budget: BudgetView) -> str:
    """Say what was spent of each limit, and how far that is an estimate; empty without limits."""
    if not budget.is_limited:
        return ""
    parts = []
    if budget.max_cost_usd is not None:
        parts.append(f"{_usd(budget.spent_usd)} of {_usd(budget.max_cost_usd)}")
    if budget.max_total_tokens is not None:
        parts.append(f"{budget.spent_tokens:,} of {budget.max_total_tokens:,} tokens")
    if budget.max_duration_s is not None:
        parts.append(f"{_seconds(budget.elapsed_s)} of {_seconds(budget.max_duration_s)}")
    return ", ".join([*parts, *_list_doubts(budget)])


def describe_stop(budget: BudgetView) -> str:
    """Say which limit a run has stopped at, and why if something is left; empty if it has not."""
    if budget.limit is None:
        return ""
    text = f"by {OPTIONS[budget.limit]}"
    if budget.limit == "max_cost_usd" and budget.next_usd:
        text += f": the next prompt takes about {_usd(budget.next_usd)}"
    if budget.limit == "max_total_tokens" and budget.next_tokens:
        text += f": the next prompt takes about {budget.next_tokens:,} tokens"
    return text


def describe_limits(budget: BudgetView, tally: Tally, elapsed: timedelta) -> list[str]:
    """Say of a run that goes on what of its limits is used up by what is on record."""
    parts = []
    if budget.max_cost_usd is not None:
        more = "+" if tally.unpriced else ""
        parts.append(f"{format_usd(tally.usd)}{more} of {_usd(budget.max_cost_usd)}")
    if budget.max_total_tokens is not None:
        tokens = format_tokens(tally.tokens)
        parts.append(f"{tokens} of {format_tokens(budget.max_total_tokens)} tokens")
    if budget.max_duration_s is not None:
        parts.append(f"{format_duration(elapsed)} of {_seconds(budget.max_duration_s)}")
    return parts


def _list_doubts(budget: BudgetView) -> list[str]:
    doubts = []
    if budget.estimated:
        doubts.append(f"{format_count(budget.estimated, 'request')} estimated")
    if budget.assumed:
        doubts.append(f"{format_count(budget.assumed, 'request')} at the assumed price")
    if budget.unpriced and budget.max_cost_usd is not None:
        doubts.append(f"{format_count(budget.unpriced, 'request')} without a price")
    return doubts


def _usd(amount: float) -> str:
    return format_usd(Decimal(str(amount)))


def _seconds(seconds: float) -> str:
    return format_duration(timedelta(seconds=min(seconds, 1e11)))
