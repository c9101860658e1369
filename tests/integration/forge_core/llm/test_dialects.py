"""What a server refuses of a request is taken from it, once, and remembered."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from forge_core.llm.calls import CallTerms, execute_llm_call
from forge_core.llm.errors import ModelFailure
from forge_core.models.call.context import AssembledContext
from forge_core.models.call.settings import CallSettings
from support.diary import Diary
from support.llm_server import Exchange, LLMServer, Reply, error, in_order, raw, text, tool

FILES = {"files": [{"file_path": "a.py", "content": "x = 1\n"}], "explanation": "one"}
CHAT = "openai-chat:gpt-4.1"
CONTEXT = AssembledContext(
    task_id="task",
    workflow_id="forge-task-00000000",
    attempt=1,
    system_prompt="You write files.\n",
    user_prompt="Write a.\n",
    max_tokens=321,
)


def refuse(
    is_refused: Callable[[dict[str, Any]], object], reply: Reply, *, is_text: bool = False
) -> Callable[[Exchange], Reply]:
    """Answer every request but those of a form."""
    answer = text(json.dumps(FILES)) if is_text else tool(FILES)
    return lambda exchange: reply if is_refused(exchange.request) else answer


def refusal(message: str, status: int = 400) -> Reply:
    return error(status, "invalid_request_error", message)


def unknown(*place: str) -> Reply:
    problem = {"type": "extra_forbidden", "loc": ["body", *place], "msg": "Extra inputs"}
    return raw(json.dumps({"detail": [problem]}).encode(), status=422)


CASES: dict[str, tuple[str, Callable[[dict[str, Any]], object], Reply, str, dict[str, Any]]] = {
    "limit": (
        CHAT,
        lambda body: "max_completion_tokens" in body,
        unknown("max_completion_tokens"),
        "with max_tokens",
        {"not_sent": ["max_completion_tokens"]},
    ),
    "choice": (
        CHAT,
        lambda body: body["tool_choice"] != "auto",
        refusal("Thinking mode does not support this tool_choice"),
        "with tool_choice auto",
        {"tool_choice": "auto"},
    ),
    "named": (
        CHAT,
        lambda body: body["tool_choice"] == "required",
        refusal('`tool_choice` must either be a named tool, "auto", or "none".'),
        "with tool_choice named",
        {"tool_choice": "named"},
    ),
    "strict": (
        CHAT,
        lambda body: body["tools"][0]["function"].get("strict"),
        unknown("tools", "0", "function", "strict"),
        "without strict",
        {"strict": False},
    ),
    "parallel": (
        CHAT,
        lambda body: "parallel_tool_calls" in body,
        refusal("Unsupported parameter: 'parallel_tool_calls'"),
        "without parallel_tool_calls",
        {"not_sent": ["parallel_tool_calls"]},
    ),
    "usage": (
        CHAT,
        lambda body: "stream_options" in body,
        unknown("stream_options"),
        "without stream_options",
        {"not_sent": ["stream_options"]},
    ),
    "stream": (
        CHAT,
        lambda body: body.get("stream"),
        refusal("Streaming is not supported by this model"),
        "without streaming",
        {"stream": False},
    ),
    "responses": (
        "openai:gpt-4.1",
        lambda body: "parallel_tool_calls" in body,
        refusal("Unsupported parameter: 'parallel_tool_calls'"),
        "without parallel_tool_calls",
        {"not_sent": ["parallel_tool_calls"]},
    ),
    "anthropic": (
        "anthropic:claude-haiku-4-5",
        lambda body: body["tool_choice"]["type"] != "auto",
        refusal("Thinking may not be enabled when tool_choice forces tool use."),
        "with tool_choice auto",
        {"tool_choice": "auto"},
    ),
}


@pytest.mark.parametrize(
    ("model", "is_refused", "reply", "form", "params"), CASES.values(), ids=CASES
)
async def test_refused_parameter_is_left_out_once_and_remembered(
    model: str,
    is_refused: Callable[[dict[str, Any]], object],
    reply: Reply,
    form: str,
    params: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = Diary(), Diary()
    with LLMServer(refuse(is_refused, reply)) as server:
        server.configure(monkeypatch)

        result = await execute_llm_call(CONTEXT, model, first)
        await execute_llm_call(CONTEXT, model, second)

    assert result.response.explanation == "one"
    assert [bool(is_refused(exchange.request)) for exchange in server.exchanges] == [
        True,
        False,
        False,
    ]
    [(seq, said, sent)] = first.failures
    assert seq == 0
    assert said.endswith(f"; asked again {form}")
    assert not sent.items() >= params.items()
    assert first.answered_in is not None
    assert first.answered_in[0] == 1
    assert first.answered_in[1].items() >= params.items()
    assert second.failures == []
    assert second.answered_in == (0, first.answered_in[1])
    [told] = [record.getMessage() for record in caplog.records if record.name == "forge.models"]
    assert told.startswith(f"{model} does not take ")
    assert told.endswith(f": asked {form} from now on")


async def test_server_without_tools_is_asked_for_text_of_a_schema_and_then_by_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replies = in_order(
        refusal("registry/gemma does not support tools"),
        refusal("response_format is not supported"),
        text(json.dumps(FILES)),
    )
    diary = Diary()
    with LLMServer(replies) as server:
        server.configure(monkeypatch)
        result = await execute_llm_call(CONTEXT, "ollama:gemma", diary)

    assert result.response.files[0].file_path == "a.py"
    tools, form, words = (exchange.request for exchange in server.exchanges)
    assert "tools" in tools
    assert form["response_format"]["json_schema"]["name"] == "llmresponse"
    assert not {"tools", "response_format"} & set(words)
    system = server.exchanges[2].prompts.system
    assert system.startswith(CONTEXT.system_prompt)
    assert '"file_path"' in system
    assert [params["output_mode"] for _, _, params in diary.failures] == ["tool", "json_schema"]
    assert diary.answered_in is not None
    assert diary.answered_in[1]["output_mode"] == "prompted"


async def test_several_refusals_are_met_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"model", "messages", "tools", "stream", "max_tokens"}

    def choose(exchange: Exchange) -> Reply:
        odd = next((name for name in exchange.request if name not in known), None)
        return text(json.dumps(FILES)) if odd is None else unknown(odd)

    diary = Diary()
    with LLMServer(choose) as server:
        server.configure(monkeypatch)
        await execute_llm_call(CONTEXT, CHAT, diary)

    forms = [said.partition("; asked again ")[2] for _, said, _ in diary.failures]
    assert sorted(forms) == [
        "for JSON by the prompt alone",
        "for text that fits the schema instead of a tool call",
        "with max_tokens",
        "with tool_choice auto",
        "without parallel_tool_calls",
        "without stream_options",
    ]
    assert diary.answered_in is not None
    assert diary.answered_in[0] == len(forms)


async def test_settings_choose_the_first_form(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = CallSettings(
        tool_choice="named", strict=False, parallel_tool_calls=True, stream=False
    )
    with LLMServer(lambda _: tool(FILES)) as server:
        server.configure(monkeypatch)
        await execute_llm_call(CONTEXT, CHAT, terms=CallTerms(settings))

    request = server.exchanges[0].request
    assert request["tool_choice"] == {"type": "function", "function": {"name": "llmresponse"}}
    assert "strict" not in request["tools"][0]["function"]
    assert request["parallel_tool_calls"] is True
    assert not request["stream"]


async def test_value_out_of_bounds_is_no_refusal_of_its_parameter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reply = refusal("max_completion_tokens is too large: 321. At most 100 are supported")
    with LLMServer(lambda _: reply) as server:
        server.configure(monkeypatch)
        with pytest.raises(ModelFailure) as failed:
            await execute_llm_call(CONTEXT, CHAT)

    assert "too large" in str(failed.value)
    assert len(server.exchanges) == 1
