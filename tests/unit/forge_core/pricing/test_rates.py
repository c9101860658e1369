"""A request costs what genai-prices says, by the same arithmetic over prices that were kept."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from forge_core.models.call.llm import CallUsage
from forge_core.pricing.catalogue import TIERS, look_up
from forge_core.pricing.rates import (
    Period,
    Special,
    UnitPrices,
    list_model_keys,
    price_usage,
)
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelPrice, TieredPrices, TimeOfDateConstraint
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OWN_PRICES = {
    "input_mtok",
    "output_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_1h_mtok",
}


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


@given(
    st.sampled_from(REFERENCES),
    st.integers(0, 2_000_000),
    st.integers(0, 2_000_000),
    st.floats(0, 1),
    st.floats(0, 1),
    st.timedeltas(timedelta(days=-900), timedelta(days=200)),
)
def test_request_costs_what_the_library_says(
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
    schedule = look_up(model)
    tokens = {
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cache_read_tokens": read_tokens,
        "cache_write_tokens": write_tokens,
    }

    usage = CallUsage(model_name=name, **tokens)
    cost = None if schedule is None else price_usage(schedule, usage, NOW + age)

    try:
        expected = calc_price(
            Usage(**tokens), name, provider_id=provider, genai_request_timestamp=NOW + age
        ).total_price
    except LookupError:
        expected = None
    assert cost == expected


TIERED = [
    (provider.id, model.id, pair)
    for provider in get_snapshot().providers
    for model in provider.models
    for variant in model.price_variants or ()
    for pair in variant.when.items()
    if (provider.id, model.id) in REFERENCES and pair in TIERS and look_up((provider.id, model.id))
]


@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=-900)], ids=["now", "before"])
@pytest.mark.parametrize(("provider", "name", "pair"), TIERED, ids=str)
def test_tier_costs_what_the_library_says_or_is_unknown(
    provider: str, name: str, pair: tuple[str, str], age: timedelta
) -> None:
    tokens = {"input_tokens": 300_000, "output_tokens": 9_000, "cache_read_tokens": 1_000}
    schedule = look_up((provider, name))
    assert schedule is not None

    usage = CallUsage(model_name=name, **tokens)
    cost = price_usage(schedule, usage, NOW + age, Special(tier=TIERS[pair]))

    context = dict([pair])
    expected = calc_price(
        Usage(**tokens),
        name,
        provider_id=provider,
        genai_request_timestamp=NOW + age,
        price_context=context,
    ).total_price
    assert cost == expected or (cost is None and age)


def test_tier_without_a_price_is_unknown() -> None:
    schedule = look_up(("openai", "gpt-5-mini"))
    assert schedule is not None
    usage = CallUsage(model_name="gpt-5-mini", input_tokens=9)

    assert price_usage(schedule, usage, NOW, Special(tier="default")) is not None
    assert price_usage(schedule, usage, NOW, Special(tier="first class")) is None


@pytest.mark.parametrize(
    ("model", "tokens", "special"),
    [
        (
            ("anthropic", "claude-opus-4-5"),
            {"input_tokens": 9_000, "cache_write_tokens": 8_000, "cache_write_1h_tokens": 5_000},
            Special(cache_write_1h=5_000),
        ),
        (
            ("openai", "gpt-audio"),
            {"input_tokens": 9_000, "output_tokens": 500, "input_audio_tokens": 5_000}
            | {"output_audio_tokens": 400},
            Special(input_audio=5_000, output_audio=400),
        ),
        (
            ("openai", "gpt-image-1.5"),
            {"input_tokens": 9_000, "output_tokens": 4_500, "input_image_tokens": 5_000}
            | {"output_image_tokens": 4_160},
            Special(input_image=5_000, output_image=4_160),
        ),
        (
            ("google", "gemini-2.5-flash-image"),
            {"input_tokens": 300, "output_tokens": 1_300, "output_image_tokens": 1_290},
            Special(output_image=1_290),
        ),
    ],
    ids=["cached for an hour", "sound", "image seen and made", "image made"],
)
def test_what_has_a_price_of_its_own_is_charged_so(
    model: tuple[str, str], tokens: dict[str, int], special: Special
) -> None:
    provider, name = model
    schedule = look_up(model)
    assert schedule is not None
    known = CallUsage.model_fields
    usage = CallUsage(
        model_name=name, **{key: count for key, count in tokens.items() if key in known}
    )

    cost = price_usage(schedule, usage, NOW, special)

    expected = calc_price(
        Usage(**tokens), name, provider_id=provider, genai_request_timestamp=NOW
    ).total_price
    assert cost == expected
    assert cost != price_usage(schedule, usage, NOW)


def test_models_with_tiers_and_hours_are_among_those_compared() -> None:
    models = [m for p in get_snapshot().providers for m in p.models if (p.id, m.id) in REFERENCES]
    prices = [vars(m.prices).values() for m in models if isinstance(m.prices, ModelPrice)]
    periods = [period for m in models if isinstance(m.prices, list) for period in m.prices]

    assert any(isinstance(price, TieredPrices) for values in prices for price in values)
    assert any(isinstance(period.constraint, TimeOfDateConstraint) for period in periods)


def test_hours_may_pass_midnight() -> None:
    period = Period(UnitPrices(), hours=(time(22), time(6)))

    held = [period.holds(NOW.replace(hour=hour)) for hour in (21, 22, 5, 6)]

    assert held == [False, True, True, False]


@pytest.mark.parametrize(
    ("asked", "answered", "keys"),
    [
        ("openai-chat:gpt-4o", "gpt-4o-2024", [("openai", "gpt-4o-2024"), ("openai", "gpt-4o")]),
        ("mine", None, [("", "mine")]),
        (None, "mine", [("", "mine")]),
    ],
    ids=["who answered comes first", "no provider", "nobody asked"],
)
def test_prices_are_sought_under_the_names_of_who_answered_and_who_was_asked(
    asked: str | None, answered: str | None, keys: list[tuple[str, str]]
) -> None:
    assert list(list_model_keys(asked, answered)) == keys
