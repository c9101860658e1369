"""A budget counts what a provider says that a request cost, as the recorder reads it."""

from decimal import Decimal
from typing import Any

import pytest
from forge_core.pricing.stated_cost import DOLLARS, read_stated_cost
from forge_obs import read_usage


@pytest.mark.parametrize(
    "report",
    [
        {"prompt_tokens": 7, "cost": 0.0012},
        {"cost": 0.001, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.02}},
        {"cost": 0.001, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.02}},
        {"cost": 0.001, "is_byok": True},
        {"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": None}},
        {"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": 0}},
        {"cost": 1, "is_byok": True, "cost_details": {"upstream_inference_cost": -1}},
        {"cost": 1, "is_byok": True, "cost_details": {"upstream_inference_cost": True}},
        {"cost_in_usd_ticks": 37_500_000},
        *({name: 3} for name in DOLLARS),
        {"cost": 0},
        {"cost": None},
        {"cost": True},
        {"cost": "much"},
        {"cost": -1},
        {"cost": 10**400},
        {"prompt_tokens": 7},
    ],
    ids=lambda report: str(report)[:40],
)
def test_cost_is_read_as_the_recorder_does(report: dict[str, Any]) -> None:
    stated, recorded = read_stated_cost([{"cost": 9}, report]), read_usage(report).stated_cost_usd

    assert (None if stated is None else float(stated)) == pytest.approx(recorded)


def test_fee_of_a_router_alone_is_not_the_cost() -> None:
    assert read_stated_cost([{"cost": 0, "is_byok": True}]) is None


def test_nothing_reported_states_nothing() -> None:
    assert read_stated_cost([]) is None
    assert read_stated_cost([{"cost": 0.5}]) == Decimal("0.5")
