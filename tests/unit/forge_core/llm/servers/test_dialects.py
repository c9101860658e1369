"""Each refusal takes one thing away from the form of a request, until there is none left."""

import pytest
from forge_core.llm.servers.dialects import describe_change, find_next_dialect
from forge_core.models.call.dialect import Dialect

FIRST = Dialect(strict=True, parallel_tool_calls=False)


@pytest.mark.parametrize(
    ("parameter", "words", "told"),
    [
        ("tool_choice", "", "with tool_choice auto"),
        ("tool_choice", "must be a named tool", "with tool_choice named"),
        ("strict", "", "without strict"),
        ("stream", "", "without streaming"),
        ("stream_options", "", "without stream_options"),
        ("pattern", "", "without pattern"),
        ("tools", "", "for text that fits the schema instead of a tool call"),
        ("max_completion_tokens", "", "with max_tokens"),
        ("max_tokens", "", "without max_tokens"),
        ("parallel_tool_calls", "", "without parallel_tool_calls"),
        ("reasoning.effort", "", "without reasoning.effort"),
    ],
)
def test_next_form_lacks_what_was_refused(parameter: str, words: str, told: str) -> None:
    after = find_next_dialect(FIRST, parameter, words)

    assert after is not None
    assert describe_change(FIRST, after) == told


@pytest.mark.parametrize(
    "parameter", ["tool_choice", "strict", "stream", "tools", "max_tokens", "temperature"]
)
def test_refusals_of_one_parameter_come_to_an_end(parameter: str) -> None:
    dialect: Dialect | None = FIRST
    forms = []

    while dialect is not None:
        forms.append(dialect)
        dialect = find_next_dialect(dialect, parameter, "")

    assert len(forms) == len(set(forms)) <= 4


def test_last_form_asks_by_words_alone() -> None:
    format_only = Dialect(output_mode="json_schema")

    last = find_next_dialect(format_only, "response_format", "")

    assert last is not None
    assert describe_change(format_only, last) == "for JSON by the prompt alone"
    assert find_next_dialect(last, "response_format", "") is None


def test_record_says_what_was_not_sent() -> None:
    after = find_next_dialect(FIRST, "temperature", "")

    assert after is not None
    assert after.describe() == {
        "output_mode": "tool",
        "stream": True,
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "strict": True,
        "not_sent": ["temperature"],
    }
