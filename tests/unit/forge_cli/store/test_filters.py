"""A model is chosen by what somebody would type of its name."""

import pytest
from forge_cli.store.filters import choose_models, list_patterns

MODELS = [
    "anthropic:claude-opus-4-5",
    "anthropic:claude-sonnet-4-5",
    "ollama:qwen3:8b",
    "openai:gpt-5",
    "openai:gpt-5-mini",
]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        pytest.param("openai:gpt-5", ["openai:gpt-5"], id="whole"),
        pytest.param("gpt-5", ["openai:gpt-5"], id="whole, no provider"),
        pytest.param("GPT-5-Mini", ["openai:gpt-5-mini"], id="upper case"),
        pytest.param("claude", MODELS[:2], id="beginning"),
        pytest.param("anthropic:claude-s", [MODELS[1]], id="beginning with provider"),
        pytest.param("openai", MODELS[3:], id="provider"),
        pytest.param("qwen3:8", ["ollama:qwen3:8b"], id="colon in the name"),
        pytest.param("*sonnet*", [MODELS[1]], id="pattern"),
        pytest.param("gpt-[45]", ["openai:gpt-5"], id="pattern is not extended"),
        pytest.param("sonnet", [], id="middle"),
    ],
)
def test_models_are_chosen_by_name_beginning_or_pattern(wanted: str, chosen: list[str]) -> None:
    assert choose_models(wanted, MODELS) == chosen


@pytest.mark.parametrize(
    ("wanted", "pattern"),
    [
        pytest.param("GPT-5", "gpt-5", id="whole name"),
        pytest.param("gpt-", "gpt-*", id="beginning"),
        pytest.param("gpt-[45]", "gpt-[45]", id="pattern"),
        pytest.param("gpt-[!4]", "gpt-[^4]", id="negation as SQLite writes it"),
    ],
)
def test_patterns_fit_models_that_are_not_known(wanted: str, pattern: str) -> None:
    assert list_patterns(wanted, MODELS) == [pattern, f"*:{pattern}"]
