"""A report of a form that is known is read as it is at length, or not at all."""

from typing import Any

import pytest
from forge_obs.model.usage import forms
from forge_obs.model.usage.figures import _read_at_length, read_usage
from forge_obs.model.usage.forms import MOST_NAMES, read_by_form
from hypothesis import given
from hypothesis import strategies as st

CHAT: dict[Any, Any] = {"prompt_tokens": 900, "completion_tokens": 80, "total_tokens": 980}
DETAILS = {
    "prompt_tokens_details": {"cached_tokens": 100, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 20, "accepted_prediction_tokens": 0},
}

NAMES = [
    "total_tokens",
    "cached_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "prompt_cache_hit_tokens",
    "reasoning_tokens",
    "thoughts_token_count",
    "citation_tokens",
    "num_sources_used",
    "service_tier",
    "strange_tokens",
    "speed",
    "cost",
]
DETAIL_NAMES = ["cached_tokens", "reasoning_tokens", "audio_tokens", "ephemeral_1h_input_tokens"]
DETAILED = ["prompt_tokens_details", "output_tokens_details", "cache_creation"]

counts = st.integers(0, 40)
values = counts | st.integers(-1, 2**64) | st.none() | st.sampled_from(["Flex", "fast", ""])
details = st.dictionaries(st.sampled_from(DETAIL_NAMES), values, max_size=3)


def build_reports(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    required: dict[str, Any] = dict.fromkeys(names, counts)
    optional: dict[str, Any] = dict.fromkeys(NAMES, values) | dict.fromkeys(DETAILED, details)
    return st.fixed_dictionaries(required, optional=optional)


reports = (
    build_reports("prompt_tokens", "completion_tokens")
    | build_reports("input_tokens", "output_tokens")
    | build_reports()
)


@given(reports)
def test_report_is_read_by_its_form_as_it_is_at_length(report: dict[str, Any]) -> None:
    assert read_usage(report) == _read_at_length(report)


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(CHAT, id="OpenAI chat"),
        pytest.param(CHAT | DETAILS, id="OpenAI chat with details"),
        pytest.param(
            {
                "input_tokens": 9,
                "output_tokens": 2,
                "cache_read_input_tokens": 50,
                "cache_creation_input_tokens": 0,
                "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
                "server_tool_use": None,
                "service_tier": "standard",
            },
            id="Anthropic",
        ),
        pytest.param(
            CHAT | {"prompt_cache_hit_tokens": 9, "prompt_tokens_details": {"cached_tokens": 9}},
            id="DeepSeek",
        ),
    ],
)
def test_usual_reports_are_read_by_their_form(report: dict[str, Any]) -> None:
    assert read_by_form(report) is not None


@pytest.mark.parametrize(
    "report",
    [
        pytest.param({**CHAT, "total_tokens": 999}, id="sum that disagrees"),
        pytest.param({**CHAT, "prompt_tokens": -1}, id="negative"),
        pytest.param({**CHAT, "prompt_tokens": 2**63}, id="over-large"),
        pytest.param({**CHAT, "prompt_tokens": True}, id="no count"),
        pytest.param({**CHAT, "cost": 0.25}, id="cost"),
        pytest.param({**CHAT, "other_tokens": 3}, id="unknown tokens"),
        pytest.param({**CHAT, "cached_tokens": 901}, id="part larger than its whole"),
        pytest.param({"prompt_tokens": 900}, id="no output"),
        pytest.param({**CHAT, 7: 7}, id="name that is none"),
        pytest.param({**CHAT, "inner": [1]}, id="list"),
        pytest.param(CHAT | {f"n{n}": n for n in range(MOST_NAMES)}, id="many names"),
        pytest.param({}, id="empty"),
    ],
)
def test_what_is_unusual_is_read_at_length(report: dict[Any, Any]) -> None:
    assert read_by_form(report) is None


def test_forms_that_are_remembered_are_bounded() -> None:
    for number in range(400):
        read_by_form({**CHAT, f"field_{number}": 1})

    found = forms._find_form.cache_info()
    assert found.maxsize is not None
    assert found.currsize <= found.maxsize
