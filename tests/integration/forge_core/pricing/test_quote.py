"""Every request has a price that is known, assumed or said to be unknown."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from forge_core.pricing.quote import PlainUsage, Quote, is_priced, quote_request

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MILLION = 1_000_000
BOTH = PlainUsage(MILLION, MILLION)


@pytest.mark.parametrize(
    ("model", "answered_by"),
    [("anthropic:claude-sonnet-4-5", None), ("anthropic:house-alias", "claude-sonnet-4-5")],
    ids=["as asked", "who answered"],
)
def test_known_price_counts_whatever_is_assumed(model: str, answered_by: str | None) -> None:
    assert quote_request(model, answered_by, PlainUsage(MILLION), NOW, "100,100") == Quote(
        Decimal(6)
    )


def test_assumed_price_is_that_of_a_model_without_one() -> None:
    assert not is_priced("ollama:home-made")
    assert quote_request("ollama:home-made", None, BOTH, NOW, "3,15") == Quote(
        Decimal(18), is_assumed=True
    )


def test_unknown_price_is_said_to_be_unknown() -> None:
    assert quote_request("ollama:home-made", "home-made", BOTH, NOW) == Quote(is_known=False)


def test_contradicting_figures_are_charged_without_the_rebate_for_cached_tokens() -> None:
    odd = PlainUsage(1000, 10, cache_read_tokens=5000)

    quote = quote_request("anthropic:claude-sonnet-4-5", None, odd, NOW)

    assert quote == quote_request("anthropic:claude-sonnet-4-5", None, PlainUsage(1000, 10), NOW)
    assert quote.usd > 0
