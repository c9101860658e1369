"""A model is chosen by what somebody would type of its name."""

import pytest
from forge_cli.store.filters import choose_models

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
