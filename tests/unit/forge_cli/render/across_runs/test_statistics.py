"""Sums over calls keep to the terminal."""

import re
from array import array
from decimal import Decimal

from forge_cli.render.across_runs.statistics import (
    FAILURES_SHOWN,
    render_groups,
    render_overview,
)
from forge_cli.views.costs import Tally
from forge_cli.views.statistics import Figures, Group, Statistics
from rich.cells import cell_len


def build(*calls: int) -> Statistics:
    groups = [
        Group(f"kind {number}", Figures(Tally(calls=count))) for number, count in enumerate(calls)
    ]
    total = Figures(Tally(calls=sum(calls), unanswered=3, scripted=11), failed=34)
    return Statistics(groups, total)


def test_overview_is_wrapped_to_the_terminal() -> None:
    shown = render_overview(build(30, 10), None, 40).plain.splitlines()

    assert shown[0] == "calls   40 calls, 34 failed, 3 without"
    assert shown[1] == "        an outcome on record, 11 of no"
    assert max(map(cell_len, shown)) <= 40


def test_bars_of_failures_are_of_their_number() -> None:
    statistics = build(8, 4)

    shown = render_groups(statistics, statistics.groups, "error", None, width=None).plain

    bars = [line.count("█") for line in shown.splitlines()[1:3]]
    assert bars == [16, 8]


def test_checks_have_no_columns_that_tell_nothing_of_them() -> None:
    statistics = build(8, 4)

    header = render_groups(statistics, statistics.groups, "check", None, width=None).plain

    assert header.split("\n")[0].split()[:3] == ["CHECK", "CALLS", "IN"]


def test_kinds_of_failures_that_find_no_room_are_counted() -> None:
    shown = render_overview(build(*range(9, 9 - FAILURES_SHOWN - 2, -1)), None, None).plain

    assert "\nand 2 other kinds: forge stats --by error" in shown
    assert "other kind" not in render_overview(build(9, 8), None, None).plain


def test_row_of_a_group_tells_its_times_and_what_an_accepted_answer_cost() -> None:
    figures = Figures(
        Tally(calls=4, usd=Decimal("0.6")),
        failed=1,
        first_judged=4,
        first_accepted=1,
        accepted=2,
        judged_usd=Decimal("0.5"),
        wasted_usd=Decimal("0.2"),
        latencies_ns=array("Q", [1_500_000_000]),
        first_tokens_ns=array("Q", [250_000_000]),
    )
    statistics = Statistics([Group("m", figures), Group("n", Figures(Tally(calls=1)))], figures)

    table = render_groups(statistics, statistics.groups, "model", None, width=None).plain

    names, *rows = (re.split(r"\s{2,}", line.strip()) for line in table.split("\n")[:3])
    known, unknown = (dict(zip(names, row, strict=False)) for row in rows)
    times = {"P50": "1.5 s", "P95": "1.5 s", "P99": "1.5 s", "TOKEN 1": "250 ms"}
    costs = {"COST": "$0.6000", "PER ACCEPTED": "$0.2500", "WASTED": "$0.2000"}
    assert known.items() >= {"CALLS": "4", "FAILED": "1", "FIRST": "25%", **costs, **times}.items()
    assert {unknown[name] for name in ("FAILED", "FIRST", "PER ACCEPTED", "WASTED", *times)} == {
        "-"
    }
