"""The figures that travel in a Temporal payload."""

import pytest
from forge_obs import LLMStats
from pydantic import ValidationError

SMALL = {"model_name": "m", "input_tokens": 1, "output_tokens": 2, "latency_ms": 3.5}


def test_only_four_figures_are_required() -> None:
    stats = LLMStats.model_validate(SMALL)

    assert (stats.cache_read_tokens, stats.cache_write_tokens, stats.reasoning_tokens) == (0, 0, 0)


def test_stats_survive_json() -> None:
    stats = LLMStats.model_validate(SMALL | {"reasoning_tokens": 9})

    assert LLMStats.model_validate_json(stats.model_dump_json()) == stats


def test_unknown_keys_of_another_version_are_ignored() -> None:
    assert LLMStats.model_validate(SMALL | {"price": 3}) == LLMStats.model_validate(SMALL)


def test_nonsense_of_a_provider_is_accepted() -> None:
    assert LLMStats.model_validate(SMALL | {"input_tokens": -1}).input_tokens == -1


def test_stats_are_frozen() -> None:
    stats = LLMStats.model_validate(SMALL)

    with pytest.raises(ValidationError):
        stats.input_tokens = 7  # type: ignore[misc]
