"""The body of a request is put in a dialect, and left alone where it is in it already."""

from typing import Any

import pytest
from forge_core.llm.network.body import read_body, rewrite_body
from forge_core.models.call.dialect import Dialect

CHAT = {"messages": [], "max_completion_tokens": 5, "tool_choice": "required"}


@pytest.mark.parametrize(
    ("body", "dialect", "rewritten"),
    [
        (CHAT, Dialect(), None),
        (
            CHAT,
            Dialect(limit="max_tokens", refused=("max_completion_tokens",)),
            {"messages": [], "tool_choice": "required", "max_tokens": 5},
        ),
        (CHAT, Dialect(limit=None), {"messages": [], "tool_choice": "required"}),
        (
            CHAT,
            Dialect(tool_choice="named"),
            {**CHAT, "tool_choice": {"type": "function", "function": {"name": "plan"}}},
        ),
        (
            {"input": [], "tool_choice": "required"},
            Dialect(tool_choice="named"),
            {"input": [], "tool_choice": {"type": "function", "name": "plan"}},
        ),
        (
            {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
            Dialect(tool_choice="named"),
            {"tool_choice": {"type": "tool", "disable_parallel_tool_use": True, "name": "plan"}},
        ),
        (
            {"reasoning": {"effort": "low"}, "a": {"b": 1, "c": 2}},
            Dialect(refused=("reasoning.effort", "a.b", "x.y", "z")),
            {"a": {"c": 2}},
        ),
    ],
    ids=["as-it-is", "renamed", "unlimited", "chat", "responses", "messages", "dropped"],
)
def test_body_is_put_in_a_dialect(
    body: dict[str, Any], dialect: Dialect, rewritten: dict[str, Any] | None
) -> None:
    before = repr(body)

    assert rewrite_body(body, dialect, "plan") == rewritten
    assert repr(body) == before


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff"])
def test_body_that_is_no_object_is_left_alone(content: bytes) -> None:
    assert read_body(content) == {}
