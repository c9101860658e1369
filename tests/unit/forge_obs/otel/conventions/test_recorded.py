"""Requests that libraries really made, told by their instrumentations, become the same rows."""

import json
from typing import Any

import pytest
from forge_obs.otel.conventions import is_request, read_events, read_request
from support.recorded_spans import build_row, list_libraries, list_requests, load_events, load_spans

QUESTION, ANSWER = "How warm is Paris?", "It is 20 degrees in Paris."


def _read_rows(library: str, request: str) -> list[dict[str, Any]]:
    events = load_events(library, request)
    rows = []
    for span in load_spans(library, request):
        own = [event for event in events if event.span_id == span.span_id]
        fields = read_request(span, own)
        if fields is not None:
            rows.append(build_row(fields))
    return rows


CHATS = [
    ("genai", "chat", "Be brief."),
    ("genai_events", "chat", "Be brief."),
    ("langchain_genai", "invoke", "Be brief."),
    ("langchain_openinference", "invoke", "Be brief."),
    ("langchain_traceloop", "invoke", "Be brief."),
    ("litellm", "completion", "Be brief."),
    ("openai_v2", "chat", "Be brief."),
    ("openinference", "chat", "Be brief."),
    ("pydantic_ai", "stream", ""),
    ("traceloop", "chat", "Be brief."),
    ("traceloop_old", "chat", "Be brief."),
    ("vercel", "generateText", "Be brief."),
    ("vercel_old", "generateText", "Be brief."),
]


@pytest.mark.parametrize(("library", "request_name", "system"), CHATS)
def test_a_chat_is_the_same_row_whoever_tells_it(
    library: str, request_name: str, system: str
) -> None:
    [row] = _read_rows(library, request_name)

    assert row["request_model"] == "openai:gpt-4o-mini"
    assert row["model_name"] == "gpt-4o-mini-20260101"
    assert (row["input_tokens"], row["output_tokens"], row["usage_known"]) == (100, 20, 1)
    assert (row["status"], row["finish_reason"]) == ("ok", "stop")
    assert (row["system_prompt"], row["user_prompt"]) == (system, QUESTION)
    assert row["response"] == ANSWER
    assert row["latency_ms"] > 0
    assert row["created_at"].startswith("2025-06-15T15:06:40.")
    assert row["task_id"] == "weather"
    assert row["notes"] is None


@pytest.mark.parametrize(
    ("library", "request_name"),
    [case[:2] for case in CHATS if case[0] not in {"openai_v2", "vercel_old"}],  # report none
)
def test_cached_tokens_are_read_whoever_reports_them(library: str, request_name: str) -> None:
    [row] = _read_rows(library, request_name)

    assert row["cache_read_tokens"] == 30


@pytest.mark.parametrize(
    ("library", "request_name"),
    [
        ("genai", "chat_tool_result"),
        ("genai_events", "chat_tool_result"),
        ("langchain_genai", "agent"),
        ("langchain_openinference", "tool_result"),
        ("langchain_traceloop", "tool_result"),
        ("openai_v2", "chat_tool_result"),
        ("openinference", "chat_tool_result"),
        ("pydantic_ai", "v5"),
        ("pydantic_ai_old", "attributes"),
        ("pydantic_ai_old", "logs"),
        ("traceloop", "chat_tool_result"),
        ("traceloop_old", "chat_tool_result"),
        ("vercel", "generateText_tools"),
        ("vercel_old", "generateText_tools"),
    ],
)
def test_tools_and_what_they_gave_are_read_whoever_tells_it(
    library: str, request_name: str
) -> None:
    row = _read_rows(library, request_name)[-1]

    document = json.loads(row["messages_json"])
    [call] = [p for m in document["input"] for p in m["parts"] if p["type"] == "tool_call"]
    assert (call["id"], call["name"]) == ("call_1", "get_weather")
    assert call["arguments"] == {"city": "Paris"}
    parts = [p for m in document["input"] for p in m["parts"]]
    [result] = [part for part in parts if part["type"] == "tool_call_response"]
    assert (result["id"], result["response"]) == ("call_1", "20 C")
    assert row["user_prompt"] == "20 C"
    assert row["response"] == ANSWER
    if library != "openai_v2":  # which tells of no tools
        [tool] = document["tools"]
        assert (tool["name"], tool["description"]) == ("get_weather", "Weather of a city")
        assert tool["parameters"]["properties"]["city"]["type"] == "string"


@pytest.mark.parametrize(
    ("library", "request_name", "index"),
    [
        ("genai", "chat_tools", 0),
        ("langchain_openinference", "agent", 0),
        ("litellm", "tools", 0),
        ("openai_v2", "chat_stream_tools", 0),
        ("openinference", "chat_tools", 0),
        ("openinference", "chat_stream_tools", 0),
        ("openinference", "messages_tools", 0),
        ("pydantic_ai", "v2", 0),
        ("traceloop", "chat_stream_tools", 0),
        ("pydantic_ai_old", "logs", 0),
        ("traceloop", "messages_tools", 0),
        ("traceloop_old", "messages_tools", 0),
        ("vercel", "generateText_tools", 0),
    ],
)
def test_an_answer_that_calls_a_tool_is_read_whoever_tells_it(
    library: str, request_name: str, index: int
) -> None:
    row = _read_rows(library, request_name)[index]

    [message] = json.loads(row["messages_json"])["output"]
    [call] = [part for part in message["parts"] if part["type"] == "tool_call"]
    assert message["role"] == "assistant"
    assert (call["name"], call["arguments"]) == ("get_weather", {"city": "Paris"})


@pytest.mark.parametrize(
    ("library", "request_name"),
    [
        ("genai", "chat_429"),
        ("genai_events", "messages_429"),
        ("genai_no_content", "messages_429"),
        ("langchain_genai", "fail"),
        ("langchain_openinference", "fail"),
        ("langchain_traceloop", "fail"),
        ("litellm", "fail"),
        ("openai_v2", "chat_429"),
        ("openinference", "chat_429"),
        ("openinference", "messages_429"),
        ("pydantic_ai", "fail"),
        ("pydantic_ai_old", "fail"),
        ("traceloop", "chat_429"),
        ("traceloop_old", "chat_429"),
        ("traceloop", "messages_429"),
    ],
)
def test_a_refused_request_is_rate_limited_whoever_tells_it(
    library: str, request_name: str
) -> None:
    rows = _read_rows(library, request_name)

    assert {row["status"] for row in rows} == {"error"}
    assert {row["error_type"] for row in rows} == {"rate_limited"}
    assert "Slow down" in rows[0]["error"]
    assert {row["usage_known"] for row in rows} == {0}
    assert not any(row["response"] for row in rows)


@pytest.mark.parametrize(
    ("library", "prompt"),
    [(library, "Once upon a time") for library in ("openinference", "traceloop", "traceloop_old")],
)
def test_a_completion_of_text_has_its_prompt(library: str, prompt: str) -> None:
    [row] = _read_rows(library, "completions")

    assert (row["user_prompt"], row["response"]) == (prompt, " there was a fox")
    assert (row["input_tokens"], row["output_tokens"]) == (5, 4)
    assert row["finish_reason"] == "length"


def test_instructions_of_a_response_are_the_system_prompt() -> None:
    [row] = _read_rows("genai", "responses")

    assert (row["system_prompt"], row["user_prompt"]) == ("Be brief.", QUESTION)


@pytest.mark.parametrize(
    ("library", "request_name", "session"),
    [
        ("langchain_genai", "invoke", "s1"),
        ("langchain_openinference", "invoke", "s1"),
        ("langchain_traceloop", "invoke", "s1"),
        ("vercel", "streamText", "s1"),
    ],
)
def test_the_session_is_read_whoever_tells_it(
    library: str, request_name: str, session: str
) -> None:
    [row] = _read_rows(library, request_name)

    assert row["session_id"] == session


def test_a_failure_that_names_no_status_keeps_its_class() -> None:
    [row] = _read_rows("vercel", "fail")

    assert (row["status"], row["error_type"]) == ("error", "AI_APICallError")
    assert row["error"] == "Slow down, please"


@pytest.mark.parametrize(
    ("library", "request_name", "model"),
    [
        ("genai", "embeddings", "openai:text-embedding-3-small"),
        ("litellm", "embedding", "text-embedding-3-small"),
        ("openai_v2", "embeddings", "openai:text-embedding-3-small"),
        ("openinference", "embeddings", "openai:text-embedding-3-small"),
        ("pydantic_ai", "embed", "openai:text-embedding-3-small"),
        ("traceloop", "embeddings", "openai:text-embedding-3-small"),
        ("traceloop_old", "embeddings", "openai:text-embedding-3-small"),
        ("vercel", "embedMany", "openai:text-embedding-3-small"),
    ],
)
def test_embeddings_are_rows_of_their_own_role_without_vectors(
    library: str, request_name: str, model: str
) -> None:
    [row] = _read_rows(library, request_name)

    assert (row["role"], row["request_model"]) == ("embedding", model)
    assert (row["input_tokens"], row["output_tokens"], row["usage_known"]) == (7, 0, 1)
    assert row["response"] is None
    assert "0.25" not in json.dumps(row)


@pytest.mark.parametrize(
    ("library", "request_name", "prompt"),
    [
        ("litellm", "embedding", "a fox"),
        ("openinference", "embeddings", "a fox\n\na dog"),
        ("pydantic_ai", "embed", "a fox"),
        ("traceloop", "embeddings", "a fox\n\na dog"),
        ("traceloop_old", "embeddings", "a fox\n\na dog"),
        ("vercel", "embedMany", "a fox\n\na dog"),
    ],
)
def test_what_was_embedded_is_the_prompt(library: str, request_name: str, prompt: str) -> None:
    [row] = _read_rows(library, request_name)

    assert row["user_prompt"] == prompt


@pytest.mark.parametrize(
    ("library", "request_name"),
    [
        ("genai", "chat_image"),
        ("langchain_openinference", "image"),
        ("langchain_traceloop", "image"),
        ("openinference", "chat_image"),
        ("openinference", "messages_image"),
        ("traceloop_old", "messages_image"),
        ("vercel", "image"),
        ("vercel_old", "image"),
    ],
)
def test_images_are_kept_by_their_hash(library: str, request_name: str) -> None:
    row = _read_rows(library, request_name)[0]

    [message] = json.loads(row["messages_json"])["input"]
    assert message["parts"][0] == {"type": "text", "content": "What is this?"}
    image = message["parts"][1]
    assert (image["type"], image["modality"], image["mime_type"]) == ("blob", "image", "image/png")
    assert "iVBOR" not in row["messages_json"]


@pytest.mark.parametrize(
    ("library", "request_name", "count"),
    [
        ("genai_no_content", "chat", 1),
        ("litellm", "nocontent", 1),
        ("openai_v2_no_content", "chat", 1),
        ("pydantic_ai", "nocontent", 2),
        ("vercel", "nocontent", 1),
    ],
)
def test_without_captured_content_the_prompts_are_empty(
    library: str, request_name: str, count: int
) -> None:
    rows = _read_rows(library, request_name)

    assert len(rows) == count
    for row in rows:
        assert (row["system_prompt"], row["user_prompt"], row["response"]) == ("", "", None)
        assert row["input_tokens"] == 100
        assert QUESTION not in json.dumps(row)


@pytest.mark.parametrize(
    ("library", "request_name"),
    [
        ("openinference", "chat_stream_tools"),
        ("openinference", "messages_stream"),
        ("pydantic_ai", "stream"),
        ("traceloop", "chat_stream_tools"),
        ("vercel", "streamText"),
    ],
)
def test_a_streamed_answer_tells_when_it_began(library: str, request_name: str) -> None:
    row = _read_rows(library, request_name)[-1]

    assert 0 < row["first_token_ms"] <= row["latency_ms"]


NO_REQUESTS = {
    ("langchain_genai", "agent"): ["invoke_agent", "execute_tool get_weather"],
    ("langchain_openinference", "agent"): ["LangGraph", "model", "tools", "get_weather", "model"],
    ("litellm", "completion"): ["raw_gen_ai_request"],
    ("pydantic_ai", "v2"): ["agent run", "running tool"],
    ("pydantic_ai", "v5"): ["invoke_agent weather", "execute_tool get_weather"],
    ("pydantic_ai_old", "logs"): ["agent run", "running tools", "running tool"],
    ("vercel", "generateText_tools"): ["ai.generateText", "ai.toolCall"],
}


@pytest.mark.parametrize(("library", "request_name"), NO_REQUESTS)
def test_agents_chains_and_tools_are_no_requests(library: str, request_name: str) -> None:
    spans = load_spans(library, request_name)

    others = [span for span in spans if not is_request(span)]
    assert [span.name for span in others] == NO_REQUESTS[library, request_name]
    assert all(read_request(span) is None for span in others)


@pytest.mark.parametrize("library", ["genai_events", "openai_v2"])
def test_events_alone_tell_what_was_asked_and_answered(library: str) -> None:
    fields = read_events(load_events(library, "chat"))

    assert fields is not None
    row = build_row(fields)
    assert (row["system_prompt"], row["user_prompt"]) == ("Be brief.", QUESTION)
    assert (row["response"], row["status"]) == (ANSWER, "ok")
    [span] = load_spans(library, "chat")
    assert (row["trace_id"], row["span_id"]) == (span.trace_id, span.span_id)


def test_an_event_with_details_tells_as_much_as_a_span() -> None:
    fields = read_events(load_events("genai_events", "messages_tools"))

    assert fields is not None
    row = build_row(fields)
    assert row["request_model"] == "anthropic:claude-sonnet-4-5"
    assert (row["input_tokens"], row["output_tokens"]) == (100, 20)
    assert (row["cache_read_tokens"], row["cache_write_tokens"]) == (30, 10)
    assert row["response_id"] == "msg_1"


@pytest.mark.parametrize("library", list_libraries())
def test_all_that_is_recorded_is_read_without_a_note(library: str) -> None:
    for request_name in list_requests(library):
        for row in _read_rows(library, request_name):
            assert row["notes"] is None, request_name
            assert row["model_name"], request_name
