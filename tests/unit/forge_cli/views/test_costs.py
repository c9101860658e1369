"""Costs of calls are summed as far as they are known, and what is unknown is counted."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import pytest
from forge_cli.views.costs import (
    Prices,
    Simulation,
    Tally,
    is_refused,
    list_models,
    read_special,
    tally_calls,
)
from forge_core.llm.errors import FailureKind
from forge_core.pricing.catalogue import look_up
from forge_core.pricing.rates import REFUSALS, Special
from forge_obs import Interaction

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KNOWN = ("anthropic", "claude-sonnet-4-5")
PRICES = Prices("1", {KNOWN: look_up(KNOWN)})


def make_call(**columns: Any) -> Interaction:
    given: dict[str, Any] = {
        "request_model": ":".join(KNOWN),
        "model_name": KNOWN[1],
        "input_tokens": 4120,
        "output_tokens": 45,
        "cache_read_tokens": 3000,
        "cache_write_tokens": 1000,
        "created_at": NOW,
    }
    return Interaction(**{**given, **columns})


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"origin": "scripted"}, id="scripted"),
        pytest.param({"origin": "replay"}, id="replay"),
        pytest.param({"usage_known": False}, id="tokens unknown"),
        pytest.param({"status": "started"}, id="outcome unknown"),
        pytest.param({"model_name": "home-made", "request_model": "ollama:home-made"}, id="model"),
        pytest.param({"cache_read_tokens": 9999}, id="more cached than sent"),
    ],
)
def test_cost_is_unknown_rather_than_nothing(columns: dict[str, Any]) -> None:
    call = make_call(**columns)
    prices = Prices("1", {key: look_up(key) for key in [*list_models([call]), KNOWN]})

    assert prices.price_call(call) is None


def test_requested_model_stands_in_for_an_answering_one_that_has_no_price() -> None:
    call = make_call(model_name="house-alias")

    assert list_models([call]) == [(KNOWN[0], "house-alias"), KNOWN]
    assert PRICES.price_call(call) == PRICES.price_call(make_call())


def test_tally_keeps_scripted_and_replayed_calls_out_of_every_sum() -> None:
    calls = [
        make_call(),
        make_call(origin="scripted", stated_cost_usd=0.5),
        make_call(origin="replay"),
        make_call(usage_known=False, input_tokens=0),
        make_call(usage_known=False, status="error", error_type="rate_limited"),
    ]

    tally = tally_calls(calls, PRICES)

    cost = PRICES.price_call(calls[0])
    assert cost is not None
    assert cost > 0
    assert tally == Tally(
        calls=5,
        scripted=2,
        refused=1,
        unreported=1,
        input_tokens=4120,
        cached_tokens=3000,
        output_tokens=45,
        usd=cost,
        unpriced=1,
        simulation=Simulation(1, 4120, 3000, 45, Decimal("0.5")),
    )
    assert not tally.is_simulated


def test_simulated_figures_are_shown_where_nothing_was_paid() -> None:
    calls = [make_call(origin="scripted"), make_call(origin="scripted", stated_cost_usd=0.5)]

    tally = tally_calls(calls, PRICES)

    assert tally.is_simulated
    assert tally.shown == Simulation(2, 8240, 6000, 90, Decimal("0.5"))
    assert not tally_calls([make_call(origin="replay")], PRICES).is_simulated


def test_no_calls_cost_nothing_and_nothing_is_unknown() -> None:
    assert tally_calls([], PRICES) == Tally(usd=Decimal(0))


@pytest.mark.parametrize(
    ("columns", "refused"),
    [
        pytest.param({"error_type": "overloaded"}, True, id="turned away"),
        pytest.param({"error_type": "timeout"}, False, id="perhaps answered"),
        pytest.param({"error_type": "server_error"}, False, id="perhaps worked on"),
        pytest.param({"error_type": "rejected", "usage_known": True}, False, id="tokens reported"),
        pytest.param({"error_type": "quota", "status": "started"}, False, id="no outcome"),
        pytest.param({"error_type": None}, False, id="no kind"),
    ],
)
def test_only_a_request_that_was_turned_away_counts_as_refused(
    columns: dict[str, Any], *, refused: bool
) -> None:
    call = make_call(**{"usage_known": False, "status": "error", **columns})

    assert is_refused(call) == refused
    assert tally_calls([call], PRICES).refused == refused


def test_refusals_are_kinds_of_failure() -> None:
    assert set(get_args(FailureKind)) > REFUSALS


def test_cost_that_the_answer_states_counts_before_prices() -> None:
    call = Interaction(usage_known=True, stated_cost_usd=0.0123, model_name="unheard of")

    assert Prices().price_call(call) == Decimal("0.0123")


def test_call_is_priced_by_its_tier_and_by_what_its_usage_says() -> None:
    report = {
        "input_tokens": 1000,
        "cache_creation_input_tokens": 8000,
        "cache_creation": {"ephemeral_1h_input_tokens": 5000},
        "output_tokens": 1,
    }
    call = Interaction(service_tier="batch", usage_json=json.dumps(report))

    assert read_special(call) == Special(tier="batch", cache_write_1h=5000)
    assert read_special(Interaction(usage_json="[1h")) == Special()
    assert read_special(Interaction(usage_json='{"1h": ' + "[" * 100_000)) == Special()
