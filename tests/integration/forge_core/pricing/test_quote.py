"""Every request has a price that is known, assumed or said to be unknown."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from forge_core.pricing.quote import Charge, PlainUsage, Quote, is_priced, quote_request
from forge_core.pricing.rates import Special

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MILLION = 1_000_000
BOTH = PlainUsage(MILLION, MILLION)


@pytest.mark.parametrize(
    ("model", "answered_by"),
    [("anthropic:claude-sonnet-4-5", None), ("anthropic:house-alias", "claude-sonnet-4-5")],
    ids=["as asked", "who answered"],
)
def test_known_price_counts_whatever_is_assumed(model: str, answered_by: str | None) -> None:
    assert quote_request(Charge(model, PlainUsage(MILLION), answered_by), NOW, "100,100") == Quote(
        Decimal(6)
    )


def test_assumed_price_is_that_of_a_model_without_one() -> None:
    assert not is_priced("ollama:home-made")
    assert quote_request(Charge("ollama:home-made", BOTH), NOW, "3,15") == Quote(
        Decimal(18), is_assumed=True
    )


def test_unknown_price_is_said_to_be_unknown() -> None:
    assert quote_request(Charge("ollama:home-made", BOTH, "home-made"), NOW) == Quote(
        is_known=False
    )


def test_contradicting_figures_are_charged_without_the_rebate_for_cached_tokens() -> None:
    odd = PlainUsage(1000, 10, cache_read_tokens=5000)

    quote = quote_request(Charge("anthropic:claude-sonnet-4-5", odd), NOW)

    plain = Charge("anthropic:claude-sonnet-4-5", PlainUsage(1000, 10))
    assert quote == quote_request(plain, NOW)
    assert quote.usd > 0


@pytest.mark.parametrize(
    ("tier", "usd"),
    [(None, "1.25"), ("default", "1.25"), ("flex", "0.625"), ("priority", "2.5"), ("odd", "1.25")],
)
def test_tier_of_service_has_its_price_and_one_without_the_usual_one(
    tier: str | None, usd: str
) -> None:
    charge = Charge("openai:gpt-5", PlainUsage(MILLION), special=Special(tier=tier))

    assert quote_request(charge, NOW) == Quote(Decimal(usd))
