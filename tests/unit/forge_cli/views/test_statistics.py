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
        [5.0],
        [DICE.expovariate(1) for _ in range(SAMPLES)],
        [DICE.expovariate(1) for _ in range(MANY)],
        [float(number) for number in range(MANY)],
        [float(DICE.randrange(3)) for _ in range(MANY)],
        [7.0] * MANY,
        # Every fifth is large, as every value of a sample is that takes every fifth.
        [1000.0 * (number % 5 == 0) + number / MANY for number in range(5 * SAMPLES)],
    ],
    ids=["one", "few", "many", "ordered", "repeated", "equal", "a sample that misleads"],
)
def test_percentiles_are_those_of_all_values_in_order(values: list[float]) -> None:
    found = find_percentiles(array("d", values))

    ordered = sorted(values)
    expected = [ordered[math.ceil(part / 100 * len(values)) - 1] for part in PERCENTILES]
    assert found is not None
    assert [found.p50, found.p95, found.p99] == expected
