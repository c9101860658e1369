"""Answers come piece by piece; what had arrived is kept, whatever ends a stream."""

import asyncio
import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
from forge_core.llm.arrival import Arrival
from forge_core.llm.calls import request_model
from forge_core.llm.errors import ModelFailure
from forge_core.llm.request import ModelRequest, RequestLabels
from forge_core.models.call.llm import LLMResponse
from forge_core.models.call.settings import CallSettings
from support.llm_server import LLMServer, Reply, raw, stream, text, tool
from support.llm_wires import Content as Said
from support.llm_wires import Prompts, Usage, Wire, render_answer, render_stream
from support.waiting import until

MODELS: dict[str, Wire] = {
    "openai-chat:gpt-5.2": "chat",
    "openai:gpt-5.2": "responses",
    "anthropic:claude-sonnet-5": "messages",
}
CHAT = "openai-chat:gpt-5.2"
EXPLANATION = "long enough for several pieces of the stream, " * 4
ARGUMENTS = json.dumps({"explanation": EXPLANATION, "files": []}, separators=(",", ":"))


def ask(model: str, **settings: float) -> ModelRequest:
    return ModelRequest(
        model=model,
        system_prompt="system",
        user_prompt="user",
        output=LLMResponse,
        max_tokens=100,
        labels=RequestLabels("llm"),
        settings=CallSettings(**{"timeout_s": 20, **settings}),
    )


def render(model: str, usage: Usage | None = Usage()) -> list[bytes]:  # noqa: B008 - frozen
    wire, prompts = MODELS[model], Prompts("m", "system", "user", "llmresponse")
    return render_stream(wire, render_answer(wire, prompts, Said(ARGUMENTS), "stop", usage))


def serve(monkeypatch: pytest.MonkeyPatch, reply: Reply) -> LLMServer:
    server = LLMServer(lambda _: reply)
    server.configure(monkeypatch)
    return server


async def fail(server: LLMServer, request: ModelRequest) -> ModelFailure:
    with server, pytest.raises(ModelFailure) as caught:
        await request_model(request)
    return caught.value


async def count(arrival: Arrival) -> int:
    return arrival.tokens


@pytest.mark.parametrize("model", MODELS)
async def test_first_token_and_usage_of_a_stream_are_told(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrival = Arrival()
    with serve(monkeypatch, tool(ARGUMENTS, usage=Usage(90, 8, 50, 0, 3))):
        answer = await request_model(ask(model), arrival)

    assert answer.text == ARGUMENTS
    usage = answer.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) == (90, 8, 50)
    assert usage.first_token_ms is not None
    assert 0 < usage.first_token_ms <= usage.latency_ms
    assert arrival.tokens >= len(ARGUMENTS) // 4


@pytest.mark.parametrize("model", MODELS)
async def test_tokens_are_counted_while_they_come(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces, gate, arrival = render(model), threading.Event(), Arrival()
    half = len(pieces) // 2
    with serve(monkeypatch, stream(*pieces[:half], gate, *pieces[half:])):
        asking = asyncio.create_task(request_model(ask(model), arrival))
        await until(partial(count, arrival), "the first tokens")
        begun = arrival.find_answer()
        gate.set()
        answer = await asking

    assert begun is not None
    assert 0 < len(begun.text) < len(answer.text)
    assert answer.text.startswith(begun.text)


@pytest.mark.parametrize("model", MODELS)
async def test_stalled_stream_is_told_from_a_long_one_and_kept(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = render(model)
    reply = stream(*pieces[: len(pieces) // 2], threading.Event())

    failure = await fail(serve(monkeypatch, reply), ask(model, stall_timeout_s=0.2))

    assert (failure.kind, failure.retryable) == ("stalled", True)
    assert "no bytes came for 0.2 s" in str(failure)
    assert failure.answer is not None
    assert failure.answer.text
    assert ARGUMENTS.startswith(failure.answer.text)


async def test_answer_that_takes_too_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = render(CHAT)
    reply = stream(*pieces[: len(pieces) // 2], threading.Event())

    failure = await fail(serve(monkeypatch, reply), ask(CHAT, timeout_s=0.3))

    assert failure.kind == "timeout"
    assert "the answer was not complete after 0.3 s" in str(failure)


@pytest.mark.parametrize("bound", ["settings", "deadline"])
async def test_stream_that_never_falls_silent_ends_at_its_time(
    bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces, over = render(CHAT), threading.Event()

    def trickle() -> Iterator[bytes]:
        yield pieces[0]
        while not over.wait(0.02):
            yield b": still thinking\n\n"

    request = ask(CHAT, timeout_s=0.4) if bound == "settings" else ask(CHAT)
    request = replace(request, deadline_s=0.4 if bound == "deadline" else None)
    server = serve(monkeypatch, replace(stream(), pieces=trickle()))
    try:
        failure = await fail(server, request)
    finally:
        over.set()

    assert failure.kind == "timeout"
    assert "the answer was not complete after 0.4 s" in str(failure)


async def test_comments_keep_a_stream_alive_and_are_no_tokens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pieces, arrival = render(CHAT), Arrival()
    noisy = [part for piece in pieces for part in (b": OPENROUTER PROCESSING\n\n", b"\n", piece)]
    with serve(monkeypatch, tool(ARGUMENTS)):
        quiet = Arrival()
        await request_model(ask(CHAT), quiet)
    with serve(monkeypatch, stream(*noisy)):
        answer = await request_model(ask(CHAT), arrival)

    assert answer.text == ARGUMENTS
    assert arrival.tokens == quiet.tokens


@pytest.mark.parametrize("is_cut", [True, False], ids=["cut", "closed"])
@pytest.mark.parametrize("model", MODELS)
async def test_stream_that_stops_before_its_end_is_no_answer(
    model: str, is_cut: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = stream(*render(model)[:-4], is_cut=is_cut)

    failure = await fail(serve(monkeypatch, reply), ask(model))

    assert (failure.kind, failure.retryable) == ("connection", True)
    assert failure.answer is not None
    assert ARGUMENTS.startswith(failure.answer.text)


@pytest.mark.parametrize(
    ("end", "finish"),
    [
        (b'{"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}', "tool_call"),
        (b'{"choices": [{"index": 0, "delta": {}, "finish_reason": ""}]}\n\ndata: [DONE]', "stop"),
        (b"[DONE]", "stop"),
    ],
    ids=["no-done", "empty-reason", "no-reason"],
)
async def test_either_mark_of_an_end_is_enough(
    end: bytes, finish: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = render(CHAT)[:-3]
    with serve(monkeypatch, stream(*pieces, b"data: " + end + b"\n\n")):
        answer = await request_model(ask(CHAT))

    assert (answer.text, answer.usage.finish_reason) == (ARGUMENTS, finish)


async def test_words_inside_an_answer_are_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    wire, prompts = MODELS[CHAT], Prompts("m", "system", "user", "llmresponse")
    said = Said(json.dumps({"explanation": '"finish_reason": "stop"\ndata: [DONE]\n'}))
    pieces = render_stream(wire, render_answer(wire, prompts, said, "stop", Usage()))

    failure = await fail(serve(monkeypatch, stream(*pieces[:-3])), ask(CHAT))

    assert failure.kind == "connection"


@pytest.mark.parametrize(
    ("model", "event", "kind"),
    [
        (CHAT, b'data: {"error": {"message": "boom", "type": "server_error"}}', "server_error"),
        (CHAT, b'data: {"error": {"message": "busy", "code": 503}}', "overloaded"),
        (
            "anthropic:claude-sonnet-5",
            (
                b'event: error\ndata: {"type": "error", "error": '
                b'{"type": "overloaded_error", "message": "Overloaded"}}'
            ),
            "overloaded",
        ),
        (
            "openai:gpt-5.2",
            (
                b'event: error\ndata: {"type": "error", "code": "server_error", "message": "boom", '
                b'"param": null, "sequence_number": 9}'
            ),
            "server_error",
        ),
    ],
    ids=["chat", "chat-code", "messages", "responses"],
)
async def test_error_in_the_middle_has_its_kind_and_keeps_what_came(
    model: str, event: bytes, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = render(model)

    failure = await fail(
        serve(monkeypatch, stream(*pieces[: len(pieces) // 2], event + b"\n\n")), ask(model)
    )

    assert failure.kind == kind
    assert failure.answer is not None
    assert failure.answer.text
    assert ARGUMENTS.startswith(failure.answer.text)


async def test_usage_that_is_not_reported_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(monkeypatch, tool(ARGUMENTS, usage=None)) as server:
        answer = await request_model(ask(CHAT))

    assert server.exchanges[0].request["stream_options"] == {"include_usage": True}
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (0, 0)


@pytest.mark.parametrize("model", [*MODELS, "ollama:llama3.2"])
async def test_answer_that_comes_whole_is_read_without_another_request(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, replace(tool(ARGUMENTS), is_streamed=False)) as server:
        answer = await request_model(ask(model))

    assert answer.text == ARGUMENTS
    assert answer.usage.output_tokens == 20
    assert answer.usage.first_token_ms is None
    assert len(server.exchanges) == 1


async def test_compressed_answer_is_kept_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    body = gzip.compress(b'{"error": {"message": "boom"}}')
    reply = replace(
        raw(body, status=500),
        headers={"content-type": "application/json", "content-encoding": "gzip"},
    )

    failure = await fail(serve(monkeypatch, reply), ask(CHAT))

    assert failure.answer is not None
    assert failure.answer.text == '{"error": {"message": "boom"}}'


async def test_text_is_streamed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(monkeypatch, text(ARGUMENTS)):
        answer = await request_model(ask(CHAT))

    assert answer.text == ARGUMENTS


async def test_short_key_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(monkeypatch, raw(b'{"error": {"message": "x exceeds"}}', status=400))
    monkeypatch.setenv("OPENAI_API_KEY", "x")

    failure = await fail(server, ask(CHAT))

    assert "x exceeds" in str(failure)
