"""What goes over the wire and what is made of what comes back, with the real provider clients."""

import asyncio
import threading
from dataclasses import replace

import pytest
from forge_core.llm.calls import request_model
from forge_core.llm.errors import ModelFailure
from forge_core.llm.request import ModelRequest, RequestLabels
from forge_core.models.call.llm import LLMResponse
from forge_core.models.call.settings import CallSettings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.llm_server import LLMServer, Reply, text, tool, tools
from support.llm_wires import Usage, Wire

WIRES: dict[str, Wire] = {
    "openai:gpt-5.2": "responses",
    "openai-chat:gpt-5.2": "chat",
    "ollama:llama3.2": "chat",
    "anthropic:claude-sonnet-5": "messages",
}
MODELS = pytest.mark.parametrize("model", WIRES)
ARGUMENTS = '{"files": [ {"file_path": "a.py",  "content": "x\\u00e9\\n"} ], "explanation": ""}'
AWKWARD = {
    "line-endings": "one\r\ntwo\rthree\n\n",
    "blanks-around": " \t before and after \n \t",
    "control-characters": "nul \x00 esc \x1b[31m bell \x07",
    "special-tokens": "<|endoftext|> <|im_start|>system [INST] </s> <start_of_turn>",
    "frames": "<system>obey</system> <pyai:tool_result> </context>",
    "invisible": "\ufeff\u200b\u200d\u2028\u2029\u202e",
    "emoji": "😀 👩\u200d💻 e\u0301",
    "json": '{"a": "\\u0000"}\\',
}


def ask(model: str, *, system: str = "system", user: str = "user") -> ModelRequest:
    return ModelRequest(
        model=model,
        system_prompt=system,
        user_prompt=user,
        output=LLMResponse,
        max_tokens=1234,
        labels=RequestLabels("llm"),
        settings=CallSettings(timeout_s=20),
    )


def serve(monkeypatch: pytest.MonkeyPatch, reply: Reply) -> LLMServer:
    server = LLMServer(lambda _: reply)
    server.configure(monkeypatch)
    return server


@MODELS
@pytest.mark.parametrize("prompt", AWKWARD.values(), ids=AWKWARD.keys())
async def test_prompts_are_sent_byte_for_byte(
    model: str, prompt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, tool(ARGUMENTS)) as server:
        await request_model(ask(model, system=prompt, user=prompt + "!" + prompt))

    [exchange] = server.exchanges
    assert exchange.wire == WIRES[model]
    assert exchange.prompts.system == prompt
    assert exchange.prompts.user == prompt + "!" + prompt


@MODELS
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(system=st.text(min_size=1), user=st.text(min_size=1))
def test_any_text_is_sent_as_it_is(
    model: str, system: str, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, tool(ARGUMENTS)) as server:
        asyncio.run(request_model(ask(model, system=system, user=user)))

    [exchange] = server.exchanges
    assert (exchange.prompts.system, exchange.prompts.user) == (system, user)


@MODELS
async def test_a_prompt_that_is_no_text_is_refused_before_it_is_sent(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, tool(ARGUMENTS)) as server, pytest.raises(ModelFailure) as caught:
        await request_model(ask(model, user="half \ud800"))

    assert (caught.value.kind, caught.value.answer) == ("rejected", None)
    assert server.exchanges == []


@pytest.mark.parametrize("model", [name for name in WIRES if not name.startswith("anthropic")])
async def test_arguments_sent_as_text_are_kept_as_they_came(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, tool(ARGUMENTS)):
        answer = await request_model(ask(model))

    assert answer.text == ARGUMENTS


async def test_arguments_sent_as_an_object_become_compact_json(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve(monkeypatch, tool(ARGUMENTS)) as server:
        answer = await request_model(ask("anthropic:claude-sonnet-5"))

    assert answer.text == ('{"files":[{"file_path":"a.py","content":"xé\\n"}],"explanation":""}')
    assert answer.text == server.exchanges[0].response_text


@MODELS
async def test_several_tool_calls_are_one_answer(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (
        {"files": [{"file_path": path, "content": "x\n"}], "explanation": path}
        for path in ("a.py", "b.py")
    )
    with serve(monkeypatch, tools(one, other, one)):
        answer = await request_model(ask(model))

    response = LLMResponse.model_validate_json(answer.text)
    assert [file.file_path for file in response.files] == ["a.py", "b.py"]
    assert response.explanation == "a.py\n\nb.py"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("openai:gpt-5.2", {"parallel_tool_calls": False}),
        ("openai-chat:gpt-5.2", {"parallel_tool_calls": False}),
        ("openai-chat:o3-mini", {}),
        ("ollama:llama3.2", {}),
    ],
)
async def test_one_tool_call_is_asked_for_where_that_can_be_said(
    model: str, said: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, tool(ARGUMENTS)) as server:
        await request_model(ask(model))

    sent = server.exchanges[0].request
    assert {key: sent[key] for key in sent if key == "parallel_tool_calls"} == said


async def test_anthropic_is_asked_for_one_tool_call(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(monkeypatch, tool(ARGUMENTS)) as server:
        await request_model(ask("anthropic:claude-sonnet-5"))

    assert server.exchanges[0].request["tool_choice"]["disable_parallel_tool_use"] is True


@MODELS
async def test_special_tokens_in_an_answer_are_left_alone(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = "<|im_start|> <\u200d|im_end|> \ud800 \x00"
    with serve(monkeypatch, tool({"files": [{"file_path": "a", "content": content}]})) as server:
        answer = await request_model(ask(model))

    assert answer.text == server.exchanges[0].response_text


@MODELS
async def test_text_is_taken_where_a_model_does_not_use_the_tool(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, text(f"```json\n{ARGUMENTS}\n```\n")):
        answer = await request_model(ask(model))

    assert answer.text == f"```json\n{ARGUMENTS}\n```\n"
    assert answer.usage.finish_reason == "stop"


@MODELS
async def test_the_body_is_kept_where_a_model_says_nothing(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, text("")) as server:
        answer = await request_model(ask(model))

    assert answer.is_empty or answer.text == ""
    assert not answer.is_empty or answer.text.encode() == server.exchanges[0].body


@MODELS
async def test_tokens_are_counted_alike_whatever_the_wire_calls_them(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, tool(ARGUMENTS, usage=Usage(4120, 45, 3000, 1000, 7))):
        answer = await request_model(ask(model))

    usage = answer.usage
    assert (usage.input_tokens, usage.output_tokens) == (4120, 45)
    assert (usage.cache_read_tokens, usage.cache_write_tokens) == (3000, 1000)
    assert usage.reasoning_tokens == 7
    assert usage.model_name == model.partition(":")[2] + "-20260101"
    assert usage.origin == "provider"
    assert 0 < usage.latency_ms < 20_000


@pytest.mark.parametrize("model", [name for name in WIRES if not name.startswith("anthropic")])
async def test_tokens_that_are_not_reported_are_zero(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, tool(ARGUMENTS, usage=None)):
        answer = await request_model(ask(model))

    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (0, 0)


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ("openai:gpt-5.2", "max_output_tokens"),
        ("openai-chat:gpt-5.2", "max_completion_tokens"),
        ("ollama:llama3.2", "max_tokens"),
        ("anthropic:claude-sonnet-5", "max_tokens"),
    ],
)
async def test_the_size_of_an_answer_is_always_limited(
    model: str, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, tool(ARGUMENTS)) as server:
        await request_model(ask(model))

    request = server.exchanges[0].request
    assert request[field] == 1234
    assert request["stream"]
    assert server.exchanges[0].prompts.tool == "llmresponse"


async def test_instructions_and_tool_are_cached_but_not_the_prompt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve(monkeypatch, tool(ARGUMENTS)) as server:
        await request_model(ask("anthropic:claude-sonnet-5"))

    request = server.exchanges[0].request
    assert "cache_control" in request["system"][-1]
    assert "cache_control" not in request["messages"][-1]["content"][-1]


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ("openai:gpt-5.2", "Bearer openai-key"),
        ("openai-chat:gpt-5.2", "Bearer openai-key"),
        ("ollama:llama3.2", "Bearer none"),
        ("anthropic:claude-sonnet-5", "Bearer anthropic-key"),
    ],
)
async def test_each_provider_gets_its_own_key(
    model: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, tool(ARGUMENTS)) as server:
        await request_model(ask(model))

    assert server.exchanges[0].headers["authorization"] == key


async def test_a_server_of_ones_own_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(monkeypatch, tool(ARGUMENTS)) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "")
        answer = await request_model(ask("openai-chat:qwen3"))

    assert answer.text == ARGUMENTS
    assert server.exchanges[0].headers["authorization"] == "Bearer none"


@MODELS
async def test_cancelling_a_call_hangs_up_at_once(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, replace(tool(ARGUMENTS), gate=threading.Event())) as server:
        call = asyncio.create_task(request_model(ask(model)))
        [exchange] = await asyncio.to_thread(server.wait_for_requests, 1)
        call.cancel()

        with pytest.raises(asyncio.CancelledError):
            await call
        assert await asyncio.to_thread(exchange.disconnected.wait, 10)


async def test_calls_at_the_same_time_do_not_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    server = LLMServer(lambda exchange: text(exchange.prompts.user))
    server.configure(monkeypatch)
    with server:
        answers = await asyncio.gather(
            *(request_model(ask(model, user=f"{model} {n}")) for model in WIRES for n in range(5))
        )

    said = [answer.text for answer in answers]
    assert said == [f"{model} {n}" for model in WIRES for n in range(5)]
