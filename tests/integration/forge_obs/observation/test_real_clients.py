"""What the clients of OpenAI and Anthropic give is recorded as it is, whole or in a stream."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from forge_obs import Interaction, get_interactions, observe, open_reader
from support.lazy import LazyModule
from support.llm_server import LLMServer, Reply, error, raw, text

if TYPE_CHECKING:
    import anthropic
    import openai
else:
    anthropic, openai = LazyModule("anthropic"), LazyModule("openai")

pytestmark = pytest.mark.usefixtures("server")

QUESTION = {"role": "user", "content": "Hi"}


@pytest.fixture
def db(private_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORGE_DB_PATH", str(private_environment / "calls.db"))
    return private_environment / "calls.db"


@pytest.fixture
def reply() -> Reply:
    return text("Hello.")


@pytest.fixture
def server(reply: Reply, monkeypatch: pytest.MonkeyPatch) -> Iterator[LLMServer]:
    with LLMServer(lambda _: reply) as running:
        running.configure(monkeypatch)
        yield running


@pytest.fixture
def client(server: LLMServer) -> Iterator["openai.OpenAI"]:
    assert server
    with openai.OpenAI(max_retries=0) as client:
        yield client


def the_call(db: Path) -> Interaction:
    reader = open_reader(db)
    assert reader is not None
    [call] = get_interactions(reader)
    return call


def events(*documents: object, end: str = "") -> Reply:
    lines = []
    for document in documents:
        kind = document.get("type") if isinstance(document, dict) else None
        head = f"event: {kind}\n" if kind else ""
        lines.append(f"{head}data: {json.dumps(document)}\n\n")
    return raw(("".join(lines) + end).encode(), content_type="text/event-stream")


def check(call: Interaction) -> None:
    assert (call.status, call.response) == ("ok", "Hello.")
    assert call.usage_known
    assert call.response_id
    assert call.finish_reason
    assert call.notes is None


def test_chat_completion(db: Path, client: "openai.OpenAI") -> None:
    with observe(task_id="t", model="gpt-5-mini", messages=[QUESTION]) as call:
        call.answer(
            client.chat.completions.create(
                model="gpt-5-mini", messages=[{"role": "user", "content": "Hi"}]
            )
        )

    check(the_call(db))
    assert the_call(db).user_prompt == "Hi"


def test_response(db: Path, client: "openai.OpenAI") -> None:
    with observe(task_id="t", model="gpt-5-mini", user_prompt="Hi") as call:
        answer = client.responses.create(model="gpt-5-mini", input="Hi")
        call.answer(answer.output_text, usage=answer.usage, response_id=answer.id)

    assert the_call(db).response == "Hello."
    assert the_call(db).usage_known


def test_message(db: Path) -> None:
    with (
        anthropic.Anthropic(max_retries=0) as client,
        observe(task_id="t", model="claude-x", user_prompt="Hi") as call,
    ):
        call.answer(
            client.messages.create(
                model="claude-x", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
            )
        )

    check(the_call(db))


def test_async_clients(db: Path) -> None:
    async def main() -> None:
        async with (
            openai.AsyncOpenAI(max_retries=0) as client,
            observe(task_id="t", model="gpt-5-mini", user_prompt="Hi") as call,
        ):
            call.answer(
                await client.chat.completions.create(
                    model="gpt-5-mini", messages=[{"role": "user", "content": "Hi"}]
                )
            )

    asyncio.run(main())

    check(the_call(db))


@pytest.mark.parametrize("reply", [error(429, "rate_limit_exceeded", "slow down")], ids=["429"])
def test_refusal_is_recorded_as_such(db: Path, client: "openai.OpenAI") -> None:
    with pytest.raises(openai.RateLimitError), observe(task_id="t", model="gpt-5-mini"):
        client.chat.completions.create(
            model="gpt-5-mini", messages=[{"role": "user", "content": "Hi"}]
        )

    assert (the_call(db).status, the_call(db).error_type) == ("error", "rate_limited")


def chat_chunk(**choice: object) -> dict[str, object]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-5-mini-2026",
        "choices": [{"index": 0, "delta": {}, "finish_reason": None, **choice}] if choice else [],
    }


CHAT_STREAM = events(
    chat_chunk(delta={"role": "assistant", "content": ""}),
    chat_chunk(delta={"content": "Hel"}),
    chat_chunk(delta={"content": "lo."}),
    chat_chunk(finish_reason="stop"),
    {
        **chat_chunk(),
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
    },
    end="data: [DONE]\n\n",
)


@pytest.mark.parametrize("reply", [CHAT_STREAM], ids=["stream"])
def test_stream_of_chat_completions(db: Path, client: "openai.OpenAI") -> None:
    with observe(task_id="t", model="gpt-5-mini", user_prompt="Hi") as call:
        for chunk in client.chat.completions.create(
            model="gpt-5-mini", messages=[{"role": "user", "content": "Hi"}], stream=True
        ):
            call.chunk(chunk)

    done = the_call(db)
    check(done)
    assert (done.input_tokens, done.output_tokens) == (9, 2)
    assert (done.model_name, done.response_id) == ("gpt-5-mini-2026", "chatcmpl-1")
    assert done.first_token_ms


MESSAGE: dict[str, object] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 1, "cache_read_input_tokens": 100},
}
MESSAGE_STREAM = events(
    {"type": "message_start", "message": MESSAGE},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo."}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 12},
    },
    {"type": "message_stop"},
)


@pytest.mark.parametrize("reply", [MESSAGE_STREAM], ids=["stream"])
def test_async_stream_of_messages(db: Path) -> None:
    async def main() -> None:
        async with (
            anthropic.AsyncAnthropic(max_retries=0) as client,
            observe(task_id="t", model="claude-x", user_prompt="Hi") as call,
        ):
            async for event in await client.messages.create(
                model="claude-x",
                max_tokens=99,
                messages=[{"role": "user", "content": "Hi"}],
                stream=True,
            ):
                call.chunk(event)

    asyncio.run(main())

    done = the_call(db)
    check(done)
    assert (done.input_tokens, done.output_tokens, done.cache_read_tokens) == (109, 12, 100)
    assert (done.response_id, done.finish_reason) == ("msg_1", "end_turn")
