"""What is left of a budget, and which limit keeps a request from being sent."""

from decimal import Decimal
from typing import Any

import pytest
from forge_core.models.budget import (
    Allowance,
    BudgetConfig,
    BudgetStop,
    Limits,
    Spending,
    compute_allowance,
    parse_price_pair,
)
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

CENT = Decimal("0.01")
SPENT = Spending(requests=2, input_tokens=900, output_tokens=100, cost_usd=Decimal("0.03"))

spendings = st.builds(
    Spending,
    requests=st.integers(0, 10**6),
    input_tokens=st.integers(0, 10**9),
    output_tokens=st.integers(0, 10**9),
    cost_usd=st.decimals(0, 10**6, places=9),
)


@given(spendings, spendings)
def test_sum_less_a_part_is_the_rest(one: Spending, other: Spending) -> None:
    assert one + other - other == one


@given(spendings)
def test_money_survives_json_to_the_cent(spent: Spending) -> None:
    again = Spending.model_validate_json(spent.model_dump_json())

    assert abs(again.cost_usd - spent.cost_usd) < Decimal("1e-9")


@pytest.mark.parametrize(
    ("allowance", "next_request", "limit"),
    [
        pytest.param(Allowance(), SPENT, None, id="no limit"),
        pytest.param(Allowance(cost_usd=CENT), Spending(), None, id="some left"),
        pytest.param(Allowance(cost_usd=Decimal(0)), Spending(), "max_cost_usd", id="none left"),
        pytest.param(Allowance(cost_usd=-CENT), Spending(), "max_cost_usd", id="overdrawn"),
        pytest.param(Allowance(cost_usd=CENT), SPENT, "max_cost_usd", id="prompt is too dear"),
        pytest.param(Allowance(tokens=1000), SPENT, None, id="prompt fits exactly"),
        pytest.param(Allowance(tokens=999), SPENT, "max_total_tokens", id="prompt is too long"),
        pytest.param(Allowance(seconds=0.5), SPENT, None, id="in time"),
        pytest.param(Allowance(seconds=-0.5), SPENT, "max_duration_s", id="too late"),
    ],
)
def test_request_is_sent_while_something_is_left_and_its_prompt_fits(
    allowance: Allowance, next_request: Spending, limit: str | None
) -> None:
    assert allowance.find_limit(next_request=next_request) == limit


def test_what_the_call_has_spent_since_counts() -> None:
    allowance = Allowance(cost_usd=Decimal("0.03"), tokens=5000)

    assert allowance.find_limit(SPENT) == "max_cost_usd"
    assert Allowance(tokens=1001).find_limit(SPENT) is None
    assert Allowance(seconds=10).find_limit(seconds=10) == "max_duration_s"


def test_allowance_is_what_the_limits_leave() -> None:
    limits = Limits(max_cost_usd=CENT, max_duration_s=60)

    assert compute_allowance(limits, SPENT, 45) == Allowance(cost_usd=-2 * CENT, seconds=15)


def test_newer_limits_replace_those_that_they_name() -> None:
    limits = Limits(max_cost_usd=CENT, max_total_tokens=10)

    assert limits.replace(Limits(max_total_tokens=20)) == Limits(
        max_cost_usd=CENT, max_total_tokens=20
    )
    assert limits.is_set
    assert not Limits().is_set


def test_stop_allows_only_limits_beyond_what_was_spent_and_comes_next() -> None:
    stop = BudgetStop(
        number=1,
        limit="max_cost_usd",
        limits=Limits(max_cost_usd=CENT),
        spent=SPENT,
        elapsed_s=1,
        next_request=Spending(cost_usd=CENT),
    )

    allowed = [
        stop.allows(Limits(max_cost_usd=Decimal(cost))) for cost in ("0.03", "0.035", "0.04")
    ]

    assert allowed == [False, False, True]
    assert not stop.allows(Limits(max_total_tokens=10**6))


def test_limit_is_the_decimal_number_that_was_written() -> None:
    assert BudgetConfig(max_cost_usd=0.1).limits.max_cost_usd == Decimal("0.1")


@pytest.mark.parametrize("key", ["max_cost_usd", "max_total_tokens", "max_duration_s"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "5$"], ids=str)
def test_limit_is_a_number_above_nothing(key: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        BudgetConfig.model_validate({key: value})


def test_price_is_two_amounts() -> None:
    assert parse_price_pair(" 3, 15.50 ") == (Decimal(3), Decimal("15.50"))
    assert parse_price_pair("0,0") == (Decimal(0), Decimal(0))


@pytest.mark.parametrize("text", ["", "3", "3,", "3,15,1", "$3,15", "-1,2", "nan,1", "inf,1"])
def test_anything_else_is_no_price(text: str) -> None:
    with pytest.raises(ValueError, match="two amounts in US dollars per million tokens"):
        parse_price_pair(text)
