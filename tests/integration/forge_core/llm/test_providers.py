"""Other providers by their names, with the real clients, over the wires that they speak."""

import ast
import json
from importlib.util import find_spec
from inspect import getsource
from typing import Any
from urllib.parse import urlsplit

import pytest
from forge_core.llm.arrival import Arrival
from forge_core.llm.calls import request_model
from forge_core.llm.errors import FailureKind, ModelFailure
from forge_core.llm.model_name import PROVIDERS, REFUSED
from forge_core.llm.network.http_client import build_http_client
from forge_core.llm.network.models import build_model
from forge_core.llm.providers import check_model, is_installed
from forge_core.llm.request import ModelAnswer, ModelRequest, RequestLabels
from forge_core.models.call.llm import LLMResponse
from forge_core.models.call.settings import CallSettings
from pydantic_ai.providers import infer_provider_class
from support.provider_server import KEYS, ProviderServer, Refusal
from support.provider_wires import INPUT_TOKENS, OUTPUT_TOKENS, REASONING_TOKENS, Answer

ARGUMENTS = '{"files":[{"file_path":"a.py","content":"x = 1\\n"}],"explanation":"é"}'

MODELS = [
    "openrouter:meta/llama-4",
    "google:gemini-3-pro",
    "mistral:mistral-large",
    "groq:llama-4",
    "bedrock:anthropic.claude-sonnet-4-5",
    "xai:grok-4.3",
    "deepseek:deepseek-chat",
    pytest.param(
        "cohere:command-a",
        marks=pytest.mark.skipif(find_spec("cohere") is None, reason="its client is not installed"),
    ),
]
NAMES = {"openrouter": "meta/llama-4", "bedrock-mantle": "openai.gpt-oss-120b"}
"""Names of models where not every name is taken."""

SIGNED = {"bedrock:anthropic.claude-sonnet-4-5"}
"""Those whose key is not sent, but signs the request."""

EVERY = pytest.mark.parametrize("model", MODELS)


async def ask(
    model: str, settings: CallSettings | None = None, arrival: Arrival | None = None
) -> ModelAnswer:
    request = ModelRequest(
        model=model,
        system_prompt="the system",
        user_prompt="the user",
        output=LLMResponse,
        max_tokens=1234,
        labels=RequestLabels("llm"),
        settings=settings or CallSettings(timeout_s=20),
    )
    return await request_model(request, arrival)


def find_key(model: str) -> str:
    return next(name for name in PROVIDERS[model.partition(":")[0]].key_variables if name in KEYS)


def serve(monkeypatch: pytest.MonkeyPatch, reply: Answer | Refusal) -> ProviderServer:
    server = ProviderServer(reply)
    server.configure(monkeypatch)
    return server


@EVERY
async def test_an_answer_comes_with_its_figures(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, Answer(ARGUMENTS)) as server:
        answer = await ask(model)

    assert json.loads(answer.text) == json.loads(ARGUMENTS)
    usage = answer.usage
    beside = REASONING_TOKENS if model.startswith("xai:") else 0  # which it does not count in
    assert (usage.input_tokens, usage.output_tokens) == (INPUT_TOKENS, OUTPUT_TOKENS + beside)
    assert usage.latency_ms > 0
    assert usage.finish_reason in {"tool_call", "stop"}
    [request] = server.requests
    sent = json.dumps(request.body)
    assert "the system" in sent
    assert "the user" in sent
    assert "1234" in sent
    key = "AWS_ACCESS_KEY_ID" if model in SIGNED else find_key(model)
    assert KEYS[key] in request.key


@EVERY
async def test_answers_are_streamed_and_their_tokens_counted(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrival = Arrival()
    with serve(monkeypatch, Answer(ARGUMENTS)) as server:
        answer = await ask(model, arrival=arrival)

    [request] = server.requests
    assert "stream" in request.path or request.body["stream"] is True
    assert answer.usage.first_token_ms is not None
    assert 0 < answer.usage.first_token_ms <= answer.usage.latency_ms
    assert arrival.tokens >= len(ARGUMENTS) // 5


@EVERY
async def test_stream_that_stops_before_its_end_is_no_answer(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = json.dumps({"explanation": "word " * 200, "files": []})
    with serve(monkeypatch, Answer(long, is_cut=True)), pytest.raises(ModelFailure) as caught:
        await ask(model)

    assert (caught.value.kind, caught.value.retryable) == ("connection", True)


THOUGHTFUL = [
    "openrouter:meta/llama-4",
    "google:gemini-3-pro",
    "groq:llama-4",
    "bedrock:anthropic.claude-sonnet-4-5",
    "xai:grok-4.3",
    "deepseek:deepseek-chat",
]
"""Whose wires tell of it as the server does."""


@pytest.mark.parametrize("model", THOUGHTFUL)
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_what_a_model_thought_comes_with_its_answer(
    model: str, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, Answer(ARGUMENTS, "First the parser.\nThen x.")) as server:
        answer = await ask(model, CallSettings(timeout_s=20, stream=stream))

    assert answer.reasoning == "First the parser.\nThen x."
    assert json.loads(answer.text) == json.loads(ARGUMENTS)
    [request] = server.requests
    assert ("stream" in request.path or bool(request.body.get("stream"))) == stream


SENT: dict[str, dict[str, object]] = {
    "openrouter:meta/llama-4": {"temperature": 0.5, "reasoning.effort": "low"},
    "google:gemini-3-pro": {
        "generationConfig.temperature": 0.5,
        "generationConfig.thinkingConfig.thinking_level": "LOW",
        "serviceTier": "flex",
    },
    "mistral:magistral-medium": {"temperature": 0.5},
    "mistral:mistral-medium-3-5": {"temperature": 0.5, "reasoning_effort": "high"},
    "groq:openai/gpt-oss-120b": {"temperature": 0.5},
    "bedrock:anthropic.claude-sonnet-4-5": {
        "additionalModelRequestFields.thinking.type": "enabled"
    },
    "xai:grok-4.3": {"temperature": 0.5, "reasoning_effort": "low", "service_tier": "flex"},
    "deepseek:deepseek-chat": {"temperature": 0.5, "service_tier": "flex"},
}
"""What goes out, by its path in the body."""


@pytest.mark.parametrize("model", SENT)
async def test_what_is_set_is_sent(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = CallSettings(
        timeout_s=20,
        temperature=None if model.startswith("bedrock:") else 0.5,  # which Claude refuses with it
        reasoning_effort="low",
        service_tier=None if model.startswith("bedrock:") else "flex",  # not in older boto3
    )
    with serve(monkeypatch, Answer(ARGUMENTS)) as server:
        await ask(model, chosen)

    [request] = server.requests
    sent = {path: find(request.body, path) for path in SENT[model]}
    assert sent == SENT[model], request.body


def find(body: Any, path: str) -> object:
    for key in path.split("."):
        body = body.get(key) if isinstance(body, dict) else None
    return body


@EVERY
@pytest.mark.parametrize(
    ("status", "kind"), [(503, "overloaded"), (429, "rate_limited"), (400, "rejected")]
)
async def test_a_refusal_is_met_once_and_hides_the_key(
    model: str, status: int, kind: FailureKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = {"error": {"message": "no, {key}", "code": status, "type": "t"}, "message": "no, {key}"}
    refusal = Refusal(status, json.dumps(error), {"retry-after": "3"})
    with serve(monkeypatch, refusal) as server, pytest.raises(ModelFailure) as caught:
        await ask(model)

    assert len(server.requests) == 1
    assert caught.value.kind == kind
    assert ("no, " if model in SIGNED else "no, [key]") in str(caught.value)
    assert caught.value.answer is not None
    assert "key-of-" not in caught.value.answer.text + str(caught.value)


@EVERY
async def test_a_server_that_is_not_there_is_unreachable(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(monkeypatch, Answer(ARGUMENTS)) as server:
        pass
    with pytest.raises(ModelFailure) as caught:
        await ask(model)

    assert caught.value.kind == "unreachable"
    assert server.requests == []


def list_names_of_the_library() -> set[str]:
    """List the names by which pydantic-ai finds a provider, as its code spells them."""
    [function] = ast.parse(getsource(infer_provider_class)).body
    patterns = [node for node in ast.walk(function) if isinstance(node, ast.MatchValue)]
    return {ast.literal_eval(pattern.value) for pattern in patterns}


def test_every_provider_of_the_library_is_known_by_its_name() -> None:
    names = list_names_of_the_library()

    assert len(names) > 40
    assert names <= {*PROVIDERS, *REFUSED}
    assert not {*PROVIDERS} & {*REFUSED}


@pytest.mark.parametrize("word", PROVIDERS)
async def test_every_provider_can_be_built(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = PROVIDERS[word]
    if not is_installed(provider.module):
        pytest.skip(f"the client of {word} is not installed")
    for name in (*provider.key_variables, "SNOWFLAKE_ACCOUNT", "OPENAI_API_VERSION"):
        monkeypatch.setenv(name, "pylf_v2_eu_key")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    spec = f"{word}:{NAMES.get(word, 'm')}"

    async with build_http_client({}, 30) as http:
        if provider.default_url is not None:
            built = build_model(spec, http)
            assert urlsplit(built.base_url or "").scheme in {"https", "http"}
        monkeypatch.setenv(provider.url_variable, "http://127.0.0.1:9/v1")
        check_model(spec)
        redirected = build_model(spec, http)

    clients = (redirected, getattr(redirected, "client", None))
    urls = [str(getattr(client, "base_url", "")) for client in clients]
    assert any(url.startswith("http://127.0.0.1:9") for url in urls)
