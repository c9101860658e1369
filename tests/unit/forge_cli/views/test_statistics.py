"""Figures of calls, and percentiles of few values and of many."""

import math
import random
from array import array
from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from forge_cli.views.costs import Tally
from forge_cli.views.statistics import (
    PERCENTILES,
    SAMPLES,
    Figures,
    find_percentiles,
    name_day,
    shorten_failure,
)
from forge_obs import Interaction

DICE = random.Random(11)  # noqa: S311 - no secret
MANY = 4 * SAMPLES + 321


@pytest.mark.parametrize(
    "values",
    [
        [5],
        [round(1e9 * DICE.expovariate(1)) for _ in range(SAMPLES)],
        [round(1e9 * DICE.expovariate(1)) for _ in range(MANY)],
        list(range(MANY)),
        [DICE.randrange(3) for _ in range(MANY)],
        [7] * MANY,
        # Every fifth is large, as every value of a sample is that takes every fifth.
        [MANY * 1000 * (number % 5 == 0) + number for number in range(5 * SAMPLES)],
    ],
    ids=["one", "few", "many", "ordered", "repeated", "equal", "a sample that misleads"],
)
def test_percentiles_are_those_of_all_values_in_order(values: list[int]) -> None:
    found = find_percentiles(array("Q", values))

    ordered = sorted(values)
    expected = [ordered[math.ceil(part / 100 * len(values)) - 1] / 1e6 for part in PERCENTILES]
    assert found is not None
    assert [found.p50, found.p95, found.p99] == expected


@pytest.mark.parametrize(
    ("fields", "first", "wasted_usd", "judged_usd"),
    [
        ({"status": "error"}, (0, 0), 1, 1),
        ({"outcome": "accepted"}, (1, 1), 0, 1),
        ({"outcome": "refused"}, (1, 0), 1, 1),
        ({"outcome": "refused", "attempt": 2}, (0, 0), 1, 1),
        ({"outcome": "accepted", "attempt": 1, "step_attempt": 2}, (0, 0), 0, 1),
        ({}, (0, 0), 0, 0),
    ],
    ids=["failed", "accepted", "refused", "refused again", "step anew", "not judged"],
)
def test_call_counts_for_what_became_of_it(
    fields: dict[str, Any], first: tuple[int, int], wasted_usd: int, judged_usd: int
) -> None:
    figures = Figures()

    figures.add_call(Interaction(**{"status": "ok", **fields}), Tally(calls=1, usd=Decimal(1)))

    assert (figures.first_judged, figures.first_accepted) == first
    assert figures.wasted_usd == wasted_usd
    assert figures.judged_usd == judged_usd
    assert figures.failed == (fields.get("status") == "error")


def test_kind_of_a_failure_is_its_first_line_without_numbers() -> None:
    assert shorten_failure("\n  gave up after 12 s\nat line 3") == "gave up after N s"
    assert len(shorten_failure("x" * 1000)) < 200


@pytest.mark.parametrize(
    ("text", "hours", "day"),
    [
        ("2026-10-24 23", 1, "2026-10-25"),
        ("2026-10-24 23:30", 0.5, "2026-10-25"),
        ("2026-10-24 23:15", 0.5, "2026-10-24"),
        ("0001-01-01 00", -5, "0001-01-01"),
        ("9999-12-31 23:45", 14, "9999-12-31"),
        ("no day at all", 1, "no day at "),
    ],
)
def test_moment_is_of_a_day_by_the_clock_of_its_zone(text: str, hours: float, day: str) -> None:
    assert name_day(text, timezone(timedelta(hours=hours))) == day
