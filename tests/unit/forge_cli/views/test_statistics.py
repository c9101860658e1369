"""Percentiles of few values and of many."""

import math
import random
from array import array

import pytest
from forge_cli.views.statistics import PERCENTILES, SAMPLES, find_percentiles

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
