"""What becomes of single attributes, of failures, and of nested requests."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from forge_obs.otel.conventions import complete, read_event, read_events, read_request
from forge_obs.otel.conventions.columns import _KNOWN_PROVIDERS, doubt_clock, find_provider
from forge_obs.otel.conventions.requests import DETAILS
from forge_obs.otel.spans import LogEvent, Source, SpanData, SpanEvent
from genai_prices.data_snapshot import get_snapshot
from support.recorded_spans import build_row, load_spans

START = 1_767_225_600_000_000_000  # 2026-01-01
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.system": "openai"}


def _read(attributes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    fields = {"start_ns": START, "end_ns": START + 2_000_000_000, **fields}
    span = SpanData("1" * 32, "2" * 16, "3" * 16, "chat m", attributes=CHAT | attributes, **fields)
    read = read_request(span)
    assert read is not None
    return build_row(read)


def _tell(name: str, body: object = None, **attributes: Any) -> LogEvent:
    return LogEvent(name, "1" * 32, "2" * 16, START, attributes, body)


def test_a_span_is_a_row_with_its_place_and_times() -> None:
    row = _read({})

    assert (row["trace_id"], row["span_id"], row["parent_span_id"]) == (
        "1" * 32,
        "2" * 16,
        "3" * 16,
    )
    assert (row["created_at"], row["latency_ms"]) == ("2026-01-01T00:00:00.000000Z", 2000.0)
    assert (row["status"], row["role"], row["usage_known"]) == ("ok", "llm", 0)


def test_an_open_span_is_a_started_call() -> None:
    row = _read({"gen_ai.agent.name": "weather"}, end_ns=None)

    assert (row["status"], row["latency_ms"], row["role"]) == ("started", 0, "weather")


@pytest.mark.parametrize(
    ("resource", "task"),
    [
        ({"service.name": "shop"}, "shop"),
        ({"service.name": "unknown_service:python"}, "python"),
        ({"service.name": "unknown_service"}, "unknown"),
        ({"service.name": ""}, "unknown"),
        ({"service.name": 5}, "unknown"),
        ({}, "unknown"),
    ],
    ids=str,
)
def test_the_service_is_the_task(resource: dict[str, Any], task: str) -> None:
    assert _read({}, source=Source(resource=resource))["task_id"] == task


@pytest.mark.parametrize(
    ("scope", "name", "requested"),
    [
        ("openinference.instrumentation.litellm", "openai/m", "openai:m"),
        ("openinference.instrumentation.litellm", "mistral/m", "openai:mistral/m"),
        ("openinference.instrumentation.litellm", "openai/", "openai:openai/"),
        ("openinference.instrumentation.openai", "openai/gpt-oss", "openai:openai/gpt-oss"),
    ],
)
def test_route_of_litellm_is_no_part_of_the_model(scope: str, name: str, requested: str) -> None:
    row = _read({"gen_ai.request.model": name}, source=Source(scope))

    assert row["request_model"] == requested


@pytest.mark.parametrize(
    ("attributes", "requested"),
    [
        ({"gen_ai.provider.name": "anthropic"}, "anthropic:m"),
        ({"gen_ai.provider.name": "aws.bedrock"}, "bedrock:m"),
        ({"gen_ai.provider.name": "gcp.vertex_ai"}, "google:m"),
        ({"gen_ai.provider.name": "azure.ai.openai"}, "azure:m"),
        ({"gen_ai.provider.name": "x_ai"}, "xai:m"),
        ({"gen_ai.provider.name": "openai.responses"}, "openai:m"),
        ({"gen_ai.system": "Mistral_AI"}, "mistral:m"),
        ({"gen_ai.provider.name": "somebody"}, "m"),
        ({"gen_ai.request.model": "openai:m"}, "openai:m"),
    ],
    ids=str,
)
def test_the_provider_stands_before_the_requested_model(
    attributes: dict[str, Any], requested: str
) -> None:
    assert _read(attributes)["request_model"] == requested


def test_the_requested_model_stands_in_where_none_answered() -> None:
    assert _read({})["model_name"] == "m"


@pytest.mark.parametrize("provider", sorted(_KNOWN_PROVIDERS - {"huggingface", "ollama"}))
def test_prices_are_known_by_the_providers_before_a_model(provider: str) -> None:
    assert find_provider(provider) == provider
    assert get_snapshot().find_provider(None, provider, None).models


def test_parameters_come_from_attributes_and_from_what_holds_all() -> None:
    row = _read(
        {
            "gen_ai.request.temperature": 0.5,
            "gen_ai.request.choice.count": 2,
            "gen_ai.output.type": "json",
            "llm.invocation_parameters": json.dumps(
                {"model": "m", "top_p": 0.1, "tools": [1], "temperature": 1, "stop": None}
            ),
        }
    )

    assert json.loads(row["params_json"]) == {
        "top_p": 0.1,
        "temperature": 0.5,
        "n": 2,
        "output_type": "json",
    }


def test_of_parameters_that_are_too_long_the_short_ones_stay() -> None:
    row = _read({"gen_ai.request.seed": 7, "gen_ai.request.response_format": "x" * 20_000})

    assert json.loads(row["params_json"]) == {"seed": 7}


def test_the_best_spelling_counts_whatever_the_order() -> None:
    row = _read({"llm.model_name": "old", "gen_ai.response.model": "new", "ai.response.model": "x"})

    assert row["model_name"] == "new"


def test_a_value_of_another_type_leaves_the_next_spelling() -> None:
    row = _read({"gen_ai.response.model": 5, "llm.model_name": "told"})

    assert row["model_name"] == "told"


@pytest.mark.parametrize(
    ("reasons", "finish"),
    [
        (["stop"], "stop"),
        (["stop", "length", "stop"], "stop, length"),
        ('["tool_calls"]', "tool_calls"),
        ("stop", "stop"),
        ([], None),
        (7, None),
    ],
    ids=str,
)
def test_reasons_to_finish_are_one_text(reasons: object, finish: str | None) -> None:
    assert _read({"gen_ai.response.finish_reasons": reasons})["finish_reason"] == finish


@pytest.mark.parametrize(
    "name",
    [
        "ai.request.headers.authorization",
        "http.request.header.x-api-key",
        "llm.headers",
        "url.full",
    ],
)
def test_what_may_hold_a_key_is_not_kept(name: str) -> None:
    row = _read({name: "https://host/?key=secret", "url.path": "/v1"})

    assert json.loads(row["extra_json"])["otel"]["attributes"] == {"url.path": "/v1"}


def test_costs_of_zero_are_unknown() -> None:
    assert _read({"llm.cost.total": 0.5})["stated_cost_usd"] == 0.5
    assert "stated_cost_usd" not in _read({"gen_ai.cost.total_cost": 0.0})


@pytest.mark.parametrize(
    ("attributes", "said", "kind"),
    [
        ({"error.type": "openai.RateLimitError"}, "", "rate_limited"),
        ({"error.type": "429"}, "", "rate_limited"),
        ({"error.type": "429"}, "You exceeded your current quota", "quota"),
        ({"error.type": "timeout"}, "", "timeout"),
        ({"error.type": "overloaded_error"}, "", "overloaded"),
        ({"error.type": "connection_error"}, "", "connection"),
        ({"error.type": "ReadTimeout"}, "", "timeout"),
        ({"error.type": "ValueError"}, "", "ValueError"),
        ({"error.type": "_OTHER"}, "", "error"),
        ({"error.type": "APIStatusError"}, "Error code: 503 - busy", "overloaded"),
        ({"error.type": "a.b.CustomNotFoundError"}, "", "not_found"),
        ({"http.response.status_code": 401}, "", "authentication"),
        ({}, "status_code: 404, model_name: m", "not_found"),
        ({}, "costs 500 dollars", "error"),
        ({}, "", "error"),
    ],
    ids=str,
)
def test_failures_are_in_our_words_where_they_are_one_of_these(
    attributes: dict[str, Any], said: str, kind: str
) -> None:
    row = _read(attributes, is_error=True, status_message=said)

    assert (row["status"], row["error_type"]) == ("error", kind)


def test_the_exception_says_more_than_the_status() -> None:
    told = {"exception.type": "anthropic.OverloadedError", "exception.message": "Busy"}

    row = _read(
        {"error.type": "error"},
        is_error=True,
        status_message="failed",
        events=[SpanEvent("exception", START, told)],
    )

    assert (row["error_type"], row["error"]) == ("overloaded", "OverloadedError: Busy")


def test_an_exception_that_was_handled_is_no_failure() -> None:
    told = {"exception.type": "KeyError", "exception.message": "x"}

    assert _read({}, events=[SpanEvent("exception", START, told)])["status"] == "ok"


def test_the_first_piece_of_a_stream_tells_when_the_answer_began() -> None:
    pieces = [SpanEvent("llm.content.completion.chunk", START + t, {}) for t in (900, 300)]

    assert _read({}, events=pieces)["first_token_ms"] == 300 / 1e6
    assert "first_token_ms" not in _read({}, events=pieces, end_ns=START + 100)


def test_details_may_come_as_an_event_of_the_span() -> None:
    told = {
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "q"}]}]
    }

    row = _read({}, events=[SpanEvent(DETAILS, START, told)])

    assert row["user_prompt"] == "q"


def test_what_the_span_says_counts_before_its_events() -> None:
    told = {"gen_ai.input.messages": '[{"role": "user", "parts": []}]', "gen_ai.response.id": "e"}

    row = _read({"gen_ai.response.id": "s"}, events=[SpanEvent(DETAILS, START, told)])

    assert row["response_id"] == "s"


@pytest.mark.parametrize(
    "events",
    [
        [
            SpanEvent(
                "gen_ai.content.prompt", START, {"gen_ai.prompt": '[{"role":"user","content":"q"}]'}
            ),
            SpanEvent("gen_ai.content.completion", START, {"gen_ai.completion": "a"}),
        ],
        [
            SpanEvent("gen_ai.user.message", START, {"content": "q"}),
            SpanEvent("gen_ai.choice", START, {"message": '{"role":"assistant","content":"a"}'}),
        ],
        [
            SpanEvent("gen_ai.user.message", START, {"gen_ai.event.content": '{"content":"q"}'}),
            SpanEvent("gen_ai.choice", START, {"message": "a", "finish_reason": "stop"}),
        ],
    ],
    ids=["whole", "attributes", "content"],
)
def test_older_events_of_a_span_tell_what_was_asked_and_answered(events: list[SpanEvent]) -> None:
    row = _read({}, events=events)

    assert (row["user_prompt"], row["response"]) == ("q", "a")


def test_the_oldest_attributes_are_text_or_json() -> None:
    row = _read({"gen_ai.prompt": "q", "gen_ai.completion": '[{"role":"assistant","content":"a"}]'})

    assert (row["user_prompt"], row["response"]) == ("q", "a")


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.completion": '{"city": "Paris"}'},
        {"gen_ai.output.messages": '{"city": "Paris"}'},
        {"output.value": '{"city": "Paris"}'},
    ],
    ids=str,
)
def test_an_answer_in_json_is_text(attributes: dict[str, str]) -> None:
    assert _read(attributes)["response"] == '{"city": "Paris"}'


@pytest.mark.parametrize("text", ["[INST] q [/INST]", "[[1, 2]]", '["', "{q}", '{"q": 1}'])
def test_a_prompt_that_looks_like_json_is_text(text: str) -> None:
    row = _read({"gen_ai.prompt": text})

    assert (row["user_prompt"], row["notes"]) == (text, None)


def test_a_message_whose_text_is_json_is_text() -> None:
    events = [SpanEvent("gen_ai.choice", START, {"gen_ai.event.content": '{"city": "Paris"}'})]

    assert _read({}, events=events)["response"] == '{"city": "Paris"}'


def test_a_raw_request_is_read_where_there_is_nothing_better() -> None:
    asked = {"model": "m", "messages": [{"role": "user", "content": "q"}], "tools": []}
    answered = {"id": "x1", "choices": [{"message": {"role": "assistant", "content": "a"}}]}

    row = _read({"input.value": json.dumps(asked), "output.value": json.dumps(answered)})

    assert (row["user_prompt"], row["response"], row["response_id"]) == ("q", "a", "x1")


def test_events_without_an_answer_are_a_started_call() -> None:
    asked = _tell("gen_ai.user.message", {"content": "q"})

    row = build_row(read_event(asked) or {})
    assert (row["status"], row["user_prompt"]) == ("started", "q")


def test_events_of_one_span_are_read_together() -> None:
    choice = {"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}
    told = [_tell("gen_ai.user.message", {"content": "q"}), _tell("gen_ai.choice", choice)]

    row = build_row(read_events(told) or {})
    assert (row["user_prompt"], row["response"], row["status"]) == ("q", "a", "ok")
    assert row["finish_reason"] == "stop"


def test_details_of_a_failure_are_a_failed_call() -> None:
    row = build_row(read_event(_tell(DETAILS, **{**CHAT, "error.type": "timeout"})) or {})

    assert (row["status"], row["error_type"], row["request_model"]) == (
        "error",
        "timeout",
        "openai:m",
    )


def test_events_of_something_else_tell_nothing() -> None:
    assert read_event(_tell("exception", {"x": 1})) is None
    assert read_event(_tell(DETAILS, **{"gen_ai.operation.name": "invoke_agent"})) is None
    assert read_events([]) is None


@pytest.mark.parametrize("library", ["openinference", "genai"])
def test_what_only_the_outer_request_knows_is_added_to_the_inner(library: str) -> None:
    outer, inner = map(read_request, load_spans(library, "messages_tools"))
    assert outer is not None
    assert inner is not None

    row = build_row(complete(inner, outer))

    assert (row["user_prompt"], row["system_prompt"]) == ("How warm is Paris?", "Be brief.")
    assert (row["span_id"], row["request_id"]) == (inner["span_id"], "req_1")
    assert row["latency_ms"] == inner["latency_ms"]
    assert json.loads(row["messages_json"])["tools"]
    assert json.loads(row["extra_json"])["otel"]["span"] == "anthropic.messages.create"


def test_an_inner_failure_stays_one_whatever_the_outer_request_says() -> None:
    inner: dict[str, object] = {
        "status": "error",
        "error_type": "timeout",
        "role": "llm",
        "user_prompt": "own",
    }
    outer: dict[str, object] = {
        "status": "ok",
        "error_type": None,
        "role": "weather",
        "user_prompt": "other",
    }

    assert complete(inner, outer) == {**inner, "role": "weather"}


@pytest.mark.parametrize("ahead", [-10, 0, 299])
def test_a_clock_that_is_a_little_ahead_is_believed(ahead: int) -> None:
    now = datetime.now(UTC)
    fields = {"created_at": now + timedelta(seconds=ahead), "notes": None}

    assert doubt_clock(fields, now) == fields


def test_a_clock_that_is_far_ahead_is_not_believed() -> None:
    now = datetime.now(UTC)
    doubted = doubt_clock({"created_at": now + timedelta(minutes=6), "notes": "cut"}, now)

    note = "created_at: in the future, the time of arrival instead"
    assert doubted == {"created_at": None, "notes": f"cut; {note}"}


def test_a_latency_of_months_is_not_believed() -> None:
    now = datetime.now(UTC)
    fields = {"created_at": now, "latency_ms": 8 * 24 * 3_600_000.0}

    assert doubt_clock({**fields, "latency_ms": 3_600_000.0}, now)["latency_ms"] == 3_600_000.0
    doubted = doubt_clock(fields, now)
    assert (doubted["latency_ms"], doubted["created_at"]) == (None, now)
    assert doubted["notes"] == "latency_ms: longer than a week, not kept"
