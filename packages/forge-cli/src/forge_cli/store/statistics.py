"""Sums over calls, priced; a store of a million calls is read once."""

import json
from array import array
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Literal

from forge_core.pricing.rates import Schedule, price_usage
from forge_obs import CallQuery, CallSum, Grouping, Interaction, StoreReader

from forge_cli.store.prices import extend_prices
from forge_cli.views.costs import (
    NO_PRICES,
    Prices,
    build_batch,
    tally_call,
    tally_calls,
    tally_sum,
)
from forge_cli.views.json_text import load_or_keep
from forge_cli.views.statistics import (
    Figures,
    Group,
    Statistics,
    has_whole_hours,
    name_day,
    name_failure,
    total_groups,
)

GroupedBy = Grouping | Literal["day", "check"]
"""What calls can be grouped by; days are the user's own."""

CHECK: Literal["check"] = "check"
DAY: Literal["day"] = "day"
ERROR: Literal["error"] = "error"


@dataclass(frozen=True, slots=True)
class StatisticsQuery:
    """What to add up.

    Attributes:
        by: What to group calls by; None for all together.
        as_schedule: Prices of a model whose cost is wanted beside the real one.
    """

    calls: CallQuery
    by: GroupedBy | None = None
    as_schedule: Schedule | None = None


def add_up(reader: StoreReader, query: StatisticsQuery) -> Statistics:
    """Add up the calls of a query; raises a `StoreError` where the store cannot be read."""
    if query.by == CHECK:
        return _add_up_checks(reader, query)
    by, name = _choose_grouping(query.by)
    figures: dict[str | None, Figures] = {}
    prices = NO_PRICES
    for part in reader.calls.sum(query.calls, by):
        for total in part.sums:
            prices = extend_prices(prices, total)
            group = None if total.group is None else name(total.group)
            read = partial(reader.calls.read_members, query.calls, by, part, total)
            known = figures.get(group) or figures.setdefault(group, Figures())
            known.add(_price(total, prices, query.as_schedule, read))
    groups = [Group(name, found) for name, found in figures.items()]
    return Statistics(_sort(groups, query.by), total_groups(groups), prices.version)


def _choose_grouping(by: GroupedBy | None) -> tuple[Grouping | None, Callable[[str], str]]:
    """Return what the store is to group by, and what makes a group's name of that."""
    if by == "day":
        whole = has_whole_hours(None, datetime.now(UTC).year)
        return "hour" if whole else "quarter", lambda text: name_day(text, None)
    if by == "check":
        return None, str
    return by, name_failure if by == ERROR else str


def _price(
    total: CallSum,
    prices: Prices,
    as_schedule: Schedule | None,
    read: Callable[[], list[Interaction]],
) -> Figures:
    members: list[Interaction] | None = None
    tally = tally_sum(total, prices)
    if tally is None:
        members = read()
        tally = tally_calls(members, prices)
    figures = Figures(
        tally=tally,
        failed=total.failed,
        first_judged=total.first_judged,
        first_accepted=total.first_accepted,
        latencies_ms=array("d", json.loads(total.latencies)),
        first_tokens_ms=array("d", json.loads(total.first_tokens)),
    )
    if total.is_wasted:
        figures.wasted_usd = tally.usd
    if total.kind in {"usual", "special"}:
        figures.reasoning_tokens = total.reasoning_tokens
        figures.cache_write_tokens = total.cache_write_tokens
        if as_schedule is not None:
            _price_elsewhere(figures, total, as_schedule, read)
    return figures


def _price_elsewhere(
    figures: Figures, total: CallSum, schedule: Schedule, read: Callable[[], list[Interaction]]
) -> None:
    """Price the same tokens by the prices of another model."""
    batch = build_batch(total)
    if total.kind == "usual" and batch.has_one_price(schedule):
        usd = price_usage(schedule, total, batch.first_at, batch=batch)
        figures.as_model_usd = usd or Decimal(0)
        figures.as_model_unknown = total.calls if usd is None else 0
        return
    costs = [price_usage(schedule, call, call.created_at) for call in read()]
    figures.as_model_usd = sum((usd for usd in costs if usd is not None), Decimal(0))
    figures.as_model_unknown = costs.count(None)


def _add_up_checks(reader: StoreReader, query: StatisticsQuery) -> Statistics:
    """Add up the calls whose answers failed checks, under each of the checks."""
    figures: dict[str | None, Figures] = {}
    total, prices = Figures(), NO_PRICES
    refused = replace(query.calls, outcome=query.calls.outcome or "refused")
    for call in reader.calls.iterate(refused):
        if call.failed_checks_json is None or call.broken:
            continue
        prices = extend_prices(prices, call)
        single = _build_single(call, prices, query.as_schedule)
        total.add(single)
        for name in _list_checks(call.failed_checks_json):
            (figures.get(name) or figures.setdefault(name, Figures())).add(single)
    groups = [Group(name, found) for name, found in figures.items()]
    return Statistics(_sort(groups, query.by), total, prices.version)


def _build_single(call: Interaction, prices: Prices, as_schedule: Schedule | None) -> Figures:
    tally = tally_call(call, prices)
    is_first = (call.attempt or 1) == (call.step_attempt or 1) == 1
    figures = Figures(
        tally=tally,
        failed=int(call.status == "error"),
        first_judged=int(is_first and call.outcome in {"accepted", "refused", "unusable"}),
        first_accepted=int(is_first and call.outcome == "accepted"),
        cache_write_tokens=call.cache_write_tokens,
        reasoning_tokens=call.reasoning_tokens,
        wasted_usd=tally.usd,
        latencies_ms=array("d", [call.latency_ms]),
        first_tokens_ms=array("d", [call.first_token_ms] if call.first_token_ms else []),
    )
    if as_schedule is not None:
        usd = price_usage(as_schedule, call, call.created_at)
        figures.as_model_usd, figures.as_model_unknown = usd or Decimal(0), int(usd is None)
    return figures


def _list_checks(text: str) -> list[str]:
    """List the names of the checks that failed, each once."""
    document = load_or_keep(text)
    checks = document if isinstance(document, list) else [document]
    names = (check.get("check_name") if isinstance(check, dict) else check for check in checks)
    return list(dict.fromkeys(str(name) for name in names if name))


def _sort(groups: list[Group], by: str | None) -> list[Group]:
    """Put groups in order: days as they came, others by their cost, then by their calls."""
    if by == DAY:
        return sorted(groups, key=lambda group: group.name or "")
    if by in {CHECK, ERROR}:
        return sorted(groups, key=lambda group: (-group.figures.tally.calls, group.name or ""))

    def weigh(group: Group) -> tuple[Decimal, int, str]:
        tally = group.figures.tally
        return -tally.usd, -tally.calls, group.name or ""

    return sorted(groups, key=weigh)
