"""Sums over calls keep to the terminal."""

from forge_cli.render.across_runs.statistics import render_groups, render_overview
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
