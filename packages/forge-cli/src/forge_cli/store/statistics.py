"""Sums over calls, priced; a store of a million calls is read once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import Any, Literal

from forge_core.pricing.rates import PriceSteps, Schedule, price_usage
from forge_obs import CallQuery, CallSum, Grouping, Interaction, StoreReader

from forge_cli.store.prices import extend_prices
from forge_cli.views.costs import NO_PRICES, build_batch, is_priced, tally_call, tally_sum
from forge_cli.views.json_text import load_or_keep
from forge_cli.views.statistics import (
    Figures,
    Group,
    Statistics,
    has_whole_hours,
    name_day,
    shorten_failure,
    sort_by_cost,
    total_groups,
)

GroupedBy = Grouping | Literal["day", "check"]
"""What calls can be grouped by; days are the user's own."""

CHECK: Literal["check"] = "check"
DAY: Literal["day"] = "day"
ERROR: Literal["error"] = "error"

_COMMON = slice(1, CallSum._fields.index("calls"))
"""What the calls of a sum have in common, beside their group."""


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
    sums = _Sums(query.as_schedule)
    for part in reader.calls.sum(query.calls, by):
        singly = [
            total
            for total in part.sums
            if not sums.take(None if total.group is None else name(total.group), total)
        ]
        members = reader.calls.read_members(query.calls, by, part, singly) if singly else ()
        for text, call in chain(part.singles, members):
            sums.take_call(None if text is None else name(text), call)
    return sums.finish(query.by)


def _add_up_checks(reader: StoreReader, query: StatisticsQuery) -> Statistics:
    """Add up the calls whose answers failed checks, under each of the checks."""
    sums, total = _Sums(query.as_schedule), _Sums(query.as_schedule)
    refused = replace(query.calls, outcome=query.calls.outcome or "refused")
    for call in reader.calls.iterate(refused):
        if call.failed_checks_json is None:
            continue
        total.take_call(None, call)
        for name in _list_checks(call.failed_checks_json):
            sums.take_call(name, call)
    return replace(sums.finish(CHECK), total=total.finish(CHECK).total, damaged=total.damaged)


def _choose_grouping(by: GroupedBy | None) -> tuple[Grouping | None, Callable[[str], str]]:
    """Return what the store is to group by, and what makes a group's name of that."""
    if by == "day":
        whole = has_whole_hours(None, datetime.now(UTC).year)
        return "hour" if whole else "quarter", cache(lambda text: name_day(text, None))
    if by == "check":
        return None, str
    return by, cache(shorten_failure) if by == ERROR else str


class _Sums:
    """What was added up so far.

    Sums of one group whose calls have the same unit prices are joined as they come, and priced once
    at the end: there may be as many as ranges of ids times groups, and pricing takes the longest.

    Args:
        as_schedule: Prices of a model whose cost is wanted beside the real one.
    """

    def __init__(self, as_schedule: Schedule | None) -> None:
        self.damaged = 0
        self._prices = NO_PRICES
        self._as_schedule = as_schedule
        self._as_steps = None if as_schedule is None else PriceSteps.of(as_schedule)
        self._figures: dict[str | None, Figures] = {}
        self._joined: dict[tuple[Any, ...], CallSum] = {}
        self._steps: dict[tuple[str | None, str], PriceSteps | None] = {}

    def take(self, group: str | None, total: CallSum) -> bool:
        """Add sums; False if each of their calls has to be looked at."""
        steps = self._find_steps(total)
        if steps is not None:
            values: tuple[Any, ...] = total
            key = (group, *values[_COMMON], steps)
            earlier = self._joined.get(key)
            self._joined[key] = total if earlier is None else earlier.join(total)
        elif (priced := self._price(total)) is not None:
            self._find(group).add(priced)
        else:
            return False
        self._find(group).add_durations(total.latencies_ns, total.first_tokens_ns)
        return True

    def take_call(self, group: str | None, call: Interaction) -> None:
        """Add a single call."""
        self._prices = extend_prices(self._prices, call)
        self.damaged += call.broken is not None
        figures = self._find(group)
        figures.add_call(call, tally_call(call, self._prices))
        if self._as_schedule is not None and is_priced(call):
            usd = price_usage(self._as_schedule, call, call.created_at)
            figures.as_model_usd += usd or Decimal(0)
            figures.as_model_unknown += usd is None

    def finish(self, by: GroupedBy | None) -> Statistics:
        """Price what was joined, and put the groups in order."""
        for (group, *_), joined in self._joined.items():
            self._find(group).add(self._price(joined) or Figures())
        groups = [Group(name, figures) for name, figures in self._figures.items()]
        total = total_groups(groups)
        return Statistics(_sort(groups, by), total, self._prices.version, self.damaged)

    def _find(self, group: str | None) -> Figures:
        figures = self._figures.get(group)
        if figures is None:
            figures = self._figures[group] = Figures()
        return figures

    def _find_steps(self, total: CallSum) -> tuple[object, ...] | None:
        """Return what tells sums of other prices apart; None where one sum has several already."""
        if total.kind in {"special", "simulated"}:
            return None
        if total.kind == "stated" and total.is_special and self._as_steps is not None:
            return None
        if total.kind not in {"usual", "stated"}:
            return ()
        own = self._find_own_steps(total)
        each = [own] if own is not None and total.kind == "usual" else []
        if self._as_steps is not None and not self._as_steps.is_level:
            each.append(self._as_steps)
        if not each:
            return ()
        batch = build_batch(total)
        positions = tuple(steps.find(batch) for steps in each)
        return None if None in positions else positions

    def _find_own_steps(self, total: CallSum) -> PriceSteps | None:
        """Return where the prices of the calls' model change; None if they never do."""
        model = total.request_model, total.model_name
        if model not in self._steps:
            self._prices = extend_prices(self._prices, total)
            steps = PriceSteps.of(self._prices.find_schedule(*model) or ())
            self._steps[model] = None if steps.is_level else steps
        return self._steps[model]

    def _price(self, total: CallSum) -> Figures | None:
        tally = tally_sum(total, self._prices)
        if tally is None:
            return None
        figures = Figures(
            tally=tally,
            failed=total.failed,
            first_judged=total.first_judged,
            first_accepted=total.first_accepted,
            accepted=total.accepted,
            wasted_usd=tally.usd if total.is_wasted else Decimal(0),
            judged_usd=tally.usd if total.is_judged else Decimal(0),
        )
        if total.kind in {"usual", "stated"}:
            figures.reasoning_tokens = total.reasoning_tokens
            figures.cache_write_tokens = total.cache_write_tokens
            if self._as_schedule is not None:
                batch = build_batch(total)
                if not batch.has_one_price(self._as_schedule):
                    return None
                usd = price_usage(self._as_schedule, total, batch.first_at, batch=batch)
                figures.as_model_usd = usd or Decimal(0)
                figures.as_model_unknown = total.calls if usd is None else 0
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
    return sort_by_cost(groups)
