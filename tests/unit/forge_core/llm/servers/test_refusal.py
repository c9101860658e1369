"""Which parameter a server refuses is read from the words of every kind of server."""

import json
from typing import Any

import pytest
from forge_core.llm.servers.refusal import find_refused_parameter, is_too_long

CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [],
    "max_completion_tokens": 9,
    "temperature": 0,
    "parallel_tool_calls": False,
    "reasoning_effort": "low",
    "stream": True,
    "stream_options": {"include_usage": True},
    "tools": [{"function": {"name": "llmresponse", "strict": True}}],
    "tool_choice": "required",
}
RESPONSES: dict[str, Any] = {"model": "m", "input": [], "reasoning": {"effort": "low"}, "text": {}}
GOOGLE: dict[str, Any] = {"contents": [], "generationConfig": {"seed": 1, "maxOutputTokens": 9}}


def openai(message: str, param: str | None = None) -> object:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param}}


def fastapi(*loc: str, msg: str = "Extra inputs are not permitted") -> object:
    return {"detail": [{"type": "extra_forbidden", "loc": ["body", *loc], "msg": msg}]}


SAID: dict[str, tuple[dict[str, Any], object, str]] = {
    "openai-param": (CHAT, openai("Unsupported parameter", "temperature"), "temperature"),
    "openai-words": (
        CHAT,
        openai(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead."
        ),
        "max_completion_tokens",
    ),
    "openai-nested": (RESPONSES, openai("no", "reasoning.effort"), "reasoning.effort"),
    "openai-format": (RESPONSES, openai("no", "text.format"), "response_format"),
    "openai-schema": (
        CHAT,
        openai("Invalid schema for function 'llmresponse'", "tools[0].function.parameters"),
        "strict",
    ),
    "openai-pattern": (
        CHAT,
        openai(
            "Invalid schema for function 'llmresponse': In context=('properties', 'file_path'), "
            "'pattern' is not permitted.",
            "tools[0].function.parameters",
        ),
        "pattern",
    ),
    "grammar-pattern": (
        CHAT,
        openai("The provided JSON schema contains features not supported by xgrammar: pattern"),
        "pattern",
    ),
    "fastapi": (CHAT, fastapi("max_completion_tokens"), "max_completion_tokens"),
    "fastapi-nested": (CHAT, fastapi("tools", "0", "function", "strict"), "strict"),
    "fastapi-words": (CHAT, {"detail": "stream_options is not known"}, "stream_options"),
    "vllm": (
        CHAT,
        openai("[{'type': 'extra_forbidden', 'loc': ('body', 'reasoning_effort'), 'msg': 'no'}]"),
        "reasoning_effort",
    ),
    "vllm-flat": (
        CHAT,
        {"object": "error", "message": '"auto" tool choice requires --enable-auto-tool-choice'},
        "tool_choice",
    ),
    "vllm-named": (
        CHAT,
        openai('`tool_choice` must either be a named tool, "auto", or "none".'),
        "tool_choice",
    ),
    "llama-tools": (
        CHAT,
        {"error": {"code": 500, "message": "tools param requires --jinja flag"}},
        "tools",
    ),
    "ollama-tools": (
        CHAT,
        openai("registry.ollama.ai/library/gemma does not support tools"),
        "tools",
    ),
    "openrouter": (CHAT, openai("No endpoints found that support tool use."), "tools"),
    "anthropic-thinking": (
        CHAT,
        openai("Thinking may not be enabled when tool_choice forces tool use."),
        "tool_choice",
    ),
    "anthropic-place": (
        {"model": "m", "tools": [{}]},
        openai("tools.0.custom.strict: Extra inputs are not permitted"),
        "strict",
    ),
    "anthropic-temperature": (
        CHAT,
        openai("`temperature` is deprecated for this model"),
        "temperature",
    ),
    "parallel": (
        CHAT,
        openai("This model only supports single tool-calls: parallel tool calls"),
        "parallel_tool_calls",
    ),
    "stream": (CHAT, openai("Streaming is not supported"), "stream"),
    "google": (
        GOOGLE,
        {
            "error": {
                "code": 400,
                "message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.',
                "status": "INVALID_ARGUMENT",
            }
        },
        "generationConfig.seed",
    ),
}


@pytest.mark.parametrize(("sent", "body", "parameter"), SAID.values(), ids=SAID)
def test_refused_parameter_is_found(sent: dict[str, Any], body: object, parameter: str) -> None:
    assert find_refused_parameter(400, json.dumps(body), sent) == parameter


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (
            400,
            openai(
                "max_tokens is too large: 99. This model supports at most 9",
                "max_completion_tokens",
            ),
        ),
        (400, openai("messages: text content blocks must be non-empty", "messages")),
        (400, openai("the message stream of consciousness is odd")),
        (400, openai("no", "top_k")),
        (401, openai("bad key for temperature", "temperature")),
        (429, openai("too many requests with temperature", "temperature")),
        (200, openai("no", "temperature")),
        (400, "<html>temperature</html>"),
        (400, [1]),
        (400, {"detail": [3, {"loc": None, "msg": None}]}),
        (400, {"error": {"details": [{"fieldViolations": [4]}, 5]}}),
    ],
    ids=[
        "size",
        "prompt",
        "word",
        "not-sent",
        "key",
        "rate",
        "success",
        "html",
        "list",
        "odd",
        "google",
    ],
)
def test_what_is_no_refusal_of_a_parameter_is_none(status: int, body: object) -> None:
    text = body if isinstance(body, str) else json.dumps(body)

    assert find_refused_parameter(status, text, CHAT) is None


@pytest.mark.parametrize(
    "body",
    [
        '{"error":{"type":"exceed_context_size_error","message":"the request exceeds"}}',
        '{"error":{"message":"This model\'s maximum context length is 4096 tokens."}}',
        '{"error":{"message":"prompt is too long: 9 tokens > 8 maximum"}}',
    ],
    ids=["llama.cpp", "vllm", "anthropic"],
)
def test_prompts_that_do_not_fit_are_recognised(body: str) -> None:
    assert is_too_long(400, body)
    assert not is_too_long(401, body)
