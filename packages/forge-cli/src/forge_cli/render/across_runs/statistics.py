"""Sums over calls as text: all together, or a line for each group."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from forge_obs import STARTED
from rich.cells import cell_len
from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.program import as_started
from forge_cli.render.figures import (
    describe_cost,
    format_cost,
    format_count,
    format_milliseconds,
    format_sum,
    format_usd,
)
from forge_cli.render.table import align, fit_columns
from forge_cli.render.wrapping import wrap
from forge_cli.views.costs import Prices
from forge_cli.views.statistics import (
    Figures,
    Group,
    Statistics,
    find_percentiles,
)

BLOCKS = " ▏▎▍▌▋▊▉█"
"""Eighths of a column."""

BAR_WIDTH = 16

FAILURES_SHOWN = 10

LONGEST_KEY = 60
"""Columns beyond which a group's name widens no other line."""

WORDS = {
    ("outcome", "ok"): "answered, not judged",
    ("outcome", "error"): "failed",
    ("outcome", STARTED): "no outcome on record",
    ("outcome", "asked"): "asked for context",
    ("error", "refused"): "refused by the provider",
}
"""What people read in place of a group's name, which documents keep."""

BY_CALLS = frozenset({"error", "check"})
"""Groups that stand in the order of their calls, and have bars of these."""

COLUMNS = (
    *("CALLS", "FAILED", "FIRST", "IN", "CACHED", "OUT", "COST", "PER ACCEPTED", "WASTED"),
    *("AS MODEL",),
    *("P50", "P95", "P99", "TOKEN 1", ""),
)

NEEDLESS = {"check": ("FAILED", "FIRST", "PER ACCEPTED", "WASTED")}
"""Columns that say nothing of a group: no answer that failed a check is accepted, all are waste."""

DISPENSABLE = (
    "TOKEN 1",
    "P99",
    "CACHED",
    "P50",
    "",
    "OUT",
    "P95",
    "IN",
    "FIRST",
    "WASTED",
    "PER ACCEPTED",
)
"""Columns that a narrow terminal does without, the first one first."""


def render_overview(statistics: Statistics, as_model: str | None, width: int | None) -> Text:
    """Render what all calls did together, and how those failed that did."""
    figures = list(_list_figures(statistics.total, statistics.price_data, as_model))
    lines = _list_lines(figures, width)
    failures = [group for group in statistics.groups if group.name is not None]
    if failures:
        lines += [Text(), Text("not accepted", style="bold")]
        most = max(group.figures.tally.calls for group in failures)
        rows = [
            (
                Text(f"{group.figures.tally.calls:,}"),
                Text(draw_bar(group.figures.tally.calls / most), style="red"),
                Text(_name(group, "error")),
            )
            for group in failures[:FAILURES_SHOWN]
        ]
        lines += align(rows, right={0})
        if len(failures) > FAILURES_SHOWN:
            more = format_count(len(failures) - FAILURES_SHOWN, "other kind")
            lines.append(Text(as_started(f"and {more}: forge stats --by error"), style="dim"))
    return Text("\n").join(lines)


def _list_lines(figures: Sequence[tuple[str, str]], width: int | None) -> list[Text]:
    """Put what is said beside what it is of, in lines of a width."""
    room = max((cell_len(label) for label, _ in figures), default=0)
    inside = None if width is None else max(20, width - room - 2)
    return [
        Text.assemble((f"{'' if number else label:<{room}}", "bold"), f"  {line}")
        for label, text in figures
        for number, line in enumerate(wrap(text, inside))
    ]


def _list_figures(
    total: Figures, price_data: str, as_model: str | None
) -> Iterator[tuple[str, str]]:
    yield from _list_outcomes(total)
    if total.tally.paid or total.tally.is_simulated:
        yield from _list_costs(total, Prices(price_data), as_model)
    for name, values in (("latency", total.latencies_ns), ("first token", total.first_tokens_ns)):
        if (percentiles := find_percentiles(values)) is not None:
            p50, p95, p99 = map(
                format_milliseconds, (percentiles.p50, percentiles.p95, percentiles.p99)
            )
            yield name, f"p50 {p50}, p95 {p95}, p99 {p99}"


def _list_outcomes(total: Figures) -> Iterator[tuple[str, str]]:
    tally = total.tally
    calls = [format_count(tally.calls, "call")]
    parts = (
        (total.failed, "failed"),
        (tally.unanswered, "without an outcome on record"),
        (tally.scripted, "of no provider"),
    )
    calls += [f"{number:,} {what}" for number, what in parts if number]
    yield "calls", ", ".join(calls)
    if total.first_rate is not None:
        judged = f"{total.first_accepted:,} of {total.first_judged:,} at the first attempt"
        each = _format_per_accepted(total)
        whose = "of a provider" if tally.scripted else "in all"
        every = f", {total.accepted:,} {whose} at {each} each" if each else ""
        yield "accepted", f"{judged} ({total.first_rate:.1%}){every}"


def _list_costs(total: Figures, prices: Prices, as_model: str | None) -> Iterator[tuple[str, str]]:
    tally = total.tally
    tokens = f"in {format_sum(tally, tally.shown.input_tokens)}"
    tokens += f" (cached {format_sum(tally, tally.shown.cached_tokens)})"
    tokens += f", out {format_sum(tally, tally.shown.output_tokens)}"
    tokens += f" (reasoning {format_sum(tally, total.reasoning_tokens)})"
    yield "tokens", tokens
    yield "cost", describe_cost(tally, prices)
    if tally.usd:
        share = f" ({total.wasted_usd / tally.usd:.1%})"
        yield "wasted", f"{format_usd(total.wasted_usd)}{share} on what was not accepted"
    if as_model is not None:
        there = f"{_format_as_model(total)} for the same tokens at {escape_line(as_model)}"
        yield "elsewhere", there if tally.paid else "unknown: no provider counted tokens"


def render_damaged(number: int) -> str:
    """Say that some calls hold what counts as nothing."""
    return f"{format_count(number, 'damaged call')}: what cannot be read counts as nothing"


def render_groups(
    statistics: Statistics,
    groups: Sequence[Group],
    by: str,
    as_model: str | None,
    *,
    width: int | None,
) -> Text:
    """Render a line for each group, and one for all calls together.

    Args:
        statistics: Of all groups.
        groups: Those to show, in order.
        by: What they are groups of.
        as_model: The model of the column of what the tokens cost elsewhere; None without.
        width: Columns of the terminal, for which less important ones are left out; None for all.
    """
    needless = set(NEEDLESS.get(by, ())) | (set() if as_model is not None else {"AS MODEL"})
    names = ["KEY", *(name for name in COLUMNS if name not in needless)]
    rows = [
        {name: name for name in names} | {"KEY": by.upper()},
        *_build_rows(groups, by),
        {"KEY": "all", **_build_cells(statistics.total), "": ""},
    ]
    widths = {name: max(min(LONGEST_KEY, cell_len(row[name])) for row in rows) for name in names}
    columns = fit_columns(widths, DISPENSABLE, width)
    right = [number for number, name in enumerate(columns) if name not in {"KEY", ""}]
    table = [[_style(name, row[name]) for name in columns] for row in rows]
    lines = align(table, right=right, widest={0: LONGEST_KEY})
    lines[-1].stylize("bold")
    if hidden := len(statistics.groups) - len(groups):
        lines.append(Text(f"{hidden:,} more: --limit shows them", style="dim"))
    if by == "check":
        lines.append(Text("a call that failed several checks stands in several lines", style="dim"))
    if statistics.price_data:
        lines += [Text(), Text(f"cost by genai-prices {statistics.price_data}")]
    return Text("\n").join(lines)


def _build_rows(groups: Sequence[Group], by: str) -> Iterator[dict[str, str]]:
    """Build a row for each group, with a bar of its cost, or of its calls where none has a cost."""
    has_cost = by not in BY_CALLS and any(group.figures.tally.usd for group in groups)
    weights = [_weigh(group.figures, has_cost=has_cost) for group in groups]
    most = max(weights, default=Decimal(0)) or Decimal(1)
    for group, weight in zip(groups, weights, strict=True):
        bar = draw_bar(float(weight / most))
        yield {"KEY": _name(group, by), **_build_cells(group.figures), "": bar}


def _name(group: Group, by: str) -> str:
    if group.name:
        return WORDS.get((by, group.name)) or escape_line(group.name)
    return "(not failed)" if by == "error" else "(none)"


def _style(name: str, cell: str) -> Text:
    return Text(cell, style="cyan" if name == "" else "")


def _weigh(figures: Figures, *, has_cost: bool) -> Decimal:
    return figures.tally.usd if has_cost else Decimal(figures.tally.calls)


def _build_cells(figures: Figures) -> dict[str, str]:
    tally = figures.tally
    latency, first = (
        find_percentiles(figures.latencies_ns),
        find_percentiles(figures.first_tokens_ns),
    )
    return {
        "CALLS": f"{tally.calls:,}",
        "FAILED": f"{figures.failed:,}" if figures.failed else "-",
        "FIRST": "-" if figures.first_rate is None else f"{figures.first_rate:.0%}",
        "IN": format_sum(tally, tally.shown.input_tokens),
        "CACHED": format_sum(tally, tally.shown.cached_tokens),
        "OUT": format_sum(tally, tally.shown.output_tokens),
        "COST": format_cost(tally),
        "PER ACCEPTED": _format_per_accepted(figures) or "-",
        "WASTED": format_usd(figures.wasted_usd) if figures.wasted_usd else "-",
        "AS MODEL": _format_as_model(figures),
        "P50": "-" if latency is None else format_milliseconds(latency.p50),
        "P95": "-" if latency is None else format_milliseconds(latency.p95),
        "P99": "-" if latency is None else format_milliseconds(latency.p99),
        "TOKEN 1": "-" if first is None else format_milliseconds(first.p50),
    }


def _format_per_accepted(figures: Figures) -> str:
    """Format what an accepted answer cost; `+` where a part is unknown, empty where all is."""
    each = figures.usd_per_accepted
    return "" if each is None else format_usd(each) + ("+" if figures.tally.unpriced else "")


def _format_as_model(figures: Figures) -> str:
    if not figures.tally.paid:
        return "-"
    is_partial = figures.as_model_unknown or figures.tally.unreported
    return format_usd(figures.as_model_usd) + ("+" if is_partial else "")


def draw_bar(share: float) -> str:
    """Draw a bar of eighths of a column; what is there at all is seen."""
    eighths = max(int(share > 0), round(share * BAR_WIDTH * 8))
    return ("█" * (eighths // 8) + BLOCKS[eighths % 8]).rstrip()
