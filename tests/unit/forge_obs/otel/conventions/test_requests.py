"""Which spans are requests, by what they say of themselves."""

from typing import Any

import pytest
from forge_obs.otel.conventions import is_request
from forge_obs.otel.conventions.requests import find_role
from forge_obs.otel.spans import SpanData

MODEL = {"gen_ai.request.model": "m", "gen_ai.system": "openai"}


@pytest.mark.parametrize(
    ("attributes", "role"),
    [
        ({"gen_ai.operation.name": "chat"}, "llm"),
        ({"gen_ai.operation.name": "text_completion"}, "llm"),
        ({"gen_ai.operation.name": "generate_content"}, "llm"),
        ({"gen_ai.operation.name": "embeddings"}, "embedding"),
        ({"openinference.span.kind": "LLM"}, "llm"),
        ({"openinference.span.kind": "EMBEDDING"}, "embedding"),
        ({"llm.request.type": "chat"}, "llm"),
        ({"llm.request.type": "completion"}, "llm"),
        ({"llm.request.type": "embedding"}, "embedding"),
        ({"ai.operationId": "ai.streamText.doStream"}, "llm"),
        ({"ai.operationId": "ai.generateObject.doGenerate"}, "llm"),
        ({"ai.operationId": "ai.embedMany.doEmbed"}, "embedding"),
        (MODEL, "llm"),
        ({"gen_ai.request.model": "m", "gen_ai.provider.name": "openai"}, "llm"),
        ({**MODEL, "llm.request.type": "unknown"}, "llm"),
    ],
    ids=str,
)
def test_who_says_so_is_a_request(attributes: dict[str, Any], role: str) -> None:
    assert find_role(attributes) == role


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"http.request.method": "POST"},
        {"gen_ai.operation.name": "invoke_agent"},
        {"gen_ai.operation.name": "execute_tool"},
        {"gen_ai.operation.name": "create_agent"},
        {"gen_ai.operation.name": "retrieval"},
        {**MODEL, "gen_ai.operation.name": "invoke_workflow"},
        {"openinference.span.kind": "AGENT"},
        {"openinference.span.kind": "CHAIN"},
        {"openinference.span.kind": "RERANKER"},
        {"openinference.span.kind": "TOOL", "gen_ai.operation.name": "chat"},
        {"ai.operationId": "ai.generateText"},
        {"ai.operationId": "ai.toolCall"},
        {**MODEL, "traceloop.span.kind": "workflow"},
        {**MODEL, "llm.request.type": "rerank"},
        {**MODEL, "gen_ai.agent.name": "weather"},
        {**MODEL, "gen_ai.tool.name": "search"},
        {"gen_ai.request.model": "m"},
        {"gen_ai.usage.input_tokens": 5, "gen_ai.system": "openai"},
        {"gen_ai.operation.name": 7, "openinference.span.kind": None, "llm.request.type": []},
    ],
    ids=str,
)
def test_others_are_none_whatever_they_carry(attributes: dict[str, Any]) -> None:
    span = SpanData("1" * 32, "2" * 16, None, "x", 1, None, attributes)

    assert not is_request(span)
