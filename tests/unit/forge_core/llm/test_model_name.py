"""A name of a model that cannot be asked is answered with what was probably meant."""

import pytest
from forge_core.errors import ModelNotConfigured
from forge_core.llm.model_name import split_model


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("gpt-4o", "model 'gpt-4o' names no provider: did you mean openai:gpt-4o?"),
        ("Claude-x", "model 'Claude-x' names no provider: did you mean anthropic:Claude-x?"),
        ("gpt-oss:20b", "model 'gpt-oss:20b': did you mean ollama:gpt-oss:20b?"),
        ("openai/gpt-4o", "model 'openai/gpt-4o' names no provider: did you mean openai:gpt-4o?"),
        ("plan.json", "model 'plan.json' names no provider: did you mean scripted:plan.json?"),
        ("anthropic", "model 'anthropic' names no model: did you mean anthropic:NAME?"),
        ("openai:", "model 'openai:' names no model: did you mean openai:NAME?"),
        ("openia:o3", "model 'openia:o3': unknown provider 'openia': did you mean openai:o3?"),
    ],
)
def test_near_name_is_proposed(spec: str, message: str) -> None:
    with pytest.raises(ModelNotConfigured) as refused:
        split_model(spec)

    assert str(refused.value) == message


@pytest.mark.parametrize("spec", ["", "anything", "nobody:x", ":x"])
def test_form_of_a_name_is_told_where_nothing_is_near(spec: str) -> None:
    with pytest.raises(
        ModelNotConfigured, match=r"anthropic:NAME, openai:NAME, .* others"
    ) as refused:
        split_model(spec)

    assert len(str(refused.value)) < 200
