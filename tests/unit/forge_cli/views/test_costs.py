"""Costs of calls are those that genai-prices gives, and unknown where it knows none."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from forge_cli.store.prices import look_up
from forge_cli.views.costs import (
    REFUSALS,
    Period,
    Prices,
    Tally,
    UnitPrices,
    is_refused,
    list_models,
    tally_calls,
)
from forge_core.llm.errors import FailureKind
from forge_obs import Interaction
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelPrice, TieredPrices, TimeOfDateConstraint
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KNOWN = ("anthropic", "claude-sonnet-4-5")
PRICES = Prices("1", {KNOWN: look_up(KNOWN)})
OWN_PRICES = {"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok"}


def list_references() -> list[tuple[str, str]]:
    """List models of the library with text prices, those with tiers and hours among them."""
    return [
        (provider.id, model.id)
        for provider in get_snapshot().providers
        for model in provider.models
        if provider.id in {"anthropic", "openai", "google", "deepseek", "mistral"}
        and _is_plain(model.prices)
    ]


def _is_plain(prices: Any) -> bool:
    found = [prices] if isinstance(prices, ModelPrice) else [price.prices for price in prices]
    keys = [{key for key, value in vars(price).items() if value is not None} for price in found]
    return all(used and used <= OWN_PRICES for used in keys)


REFERENCES = list_references()


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


@given(
    st.sampled_from(REFERENCES),
    st.integers(0, 2_000_000),
    st.integers(0, 2_000_000),
    st.floats(0, 1),
    st.floats(0, 1),
    st.timedeltas(timedelta(days=-900), timedelta(days=200)),
)
def test_call_costs_what_the_library_says(
    model: tuple[str, str],
    input_tokens: int,
    output_tokens: int,
    read: float,
    written: float,
    age: timedelta,
) -> None:
    provider, name = model
    read_tokens = int(input_tokens * read)
    write_tokens = int((input_tokens - read_tokens) * written)
    call = make_call(
        request_model=f"{provider}:{name}",
        model_name=name,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=read_tokens,
        cache_write_tokens=write_tokens,
        created_at=NOW + age,
    )

    cost = Prices("1", {model: look_up(model)}).price_call(call)

    usage = Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=read_tokens,
        cache_write_tokens=write_tokens,
    )
    try:
        expected = calc_price(
            usage, name, provider_id=provider, genai_request_timestamp=NOW + age
        ).total_price
    except LookupError:
        expected = None
    assert cost == expected


def test_models_with_tiers_and_hours_are_among_those_compared() -> None:
    models = [m for p in get_snapshot().providers for m in p.models if (p.id, m.id) in REFERENCES]
    prices = [vars(m.prices).values() for m in models if isinstance(m.prices, ModelPrice)]
    periods = [period for m in models if isinstance(m.prices, list) for period in m.prices]

    assert any(isinstance(price, TieredPrices) for values in prices for price in values)
    assert any(isinstance(period.constraint, TimeOfDateConstraint) for period in periods)


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


def test_hours_may_pass_midnight() -> None:
    period = Period(UnitPrices(), hours=(time(22), time(6)))

    held = [period.holds(NOW.replace(hour=hour)) for hour in (21, 22, 5, 6)]

    assert held == [False, True, True, False]


def test_tally_keeps_scripted_and_replayed_calls_out_of_every_sum() -> None:
    calls = [
        make_call(),
        make_call(origin="scripted"),
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
    )


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
