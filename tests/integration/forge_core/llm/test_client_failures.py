"""Everything that can go wrong with a request, on every wire: one request, one kind, one line."""

import threading
from contextlib import closing
from dataclasses import replace
from importlib import import_module
from socket import socket

import pytest
from forge_core.llm.calls import request_model
from forge_core.llm.errors import FailureKind, ModelFailure
from forge_core.llm.request import ModelRequest, RequestLabels
from forge_core.models.call.llm import LLMResponse
from forge_core.models.call.settings import CallSettings
from support.llm_server import LLMServer, Reply, dropped, error, raw, tool

OPENAI = ("openai:gpt-5.2", "openai-chat:gpt-5.2", "ollama:llama3.2")
ANTHROPIC = ("anthropic:claude-sonnet-5",)
EVERY = OPENAI + ANTHROPIC

CASES: dict[str, tuple[tuple[str, ...], Reply, FailureKind]] = {
    "400": (EVERY, error(400, "invalid_request_error", "bad field"), "rejected"),
    "401": (EVERY, error(401, "authentication_error", "bad key"), "authentication"),
    "402": (EVERY, error(402, "billing_error", "pay first"), "quota"),
    "403": (EVERY, error(403, "permission_error", "not yours"), "authentication"),
    "404": (EVERY, error(404, "not_found_error", "no such model"), "not_found"),
    "408": (EVERY, error(408, "timeout_error", "too slow"), "timeout"),
    "409": (EVERY, error(409, "conflict_error", "twice"), "rejected"),
    "413": (EVERY, error(413, "request_too_large", "too large"), "context_too_long"),
    "422": (EVERY, error(422, "invalid_request_error", "bad field"), "rejected"),
    "307": (EVERY, raw(b"", status=307), "wrong_address"),
    "429": (EVERY, error(429, "rate_limit_error", "slow down"), "rate_limited"),
    "429-quota": (OPENAI, error(429, "insufficient_quota", "nothing left"), "quota"),
    "429-no-json": (EVERY, raw(b"slow down", status=429), "rate_limited"),
    "500": (EVERY, error(500, "api_error", "boom"), "server_error"),
    "502-html": (EVERY, raw(b"<html>", status=502, content_type="text/html"), "server_error"),
    "503": (EVERY, error(503, "unavailable", "later"), "overloaded"),
    "529": (EVERY, error(529, "overloaded_error", "overloaded"), "overloaded"),
    "context-openai": (
        OPENAI,
        error(400, "context_length_exceeded", "maximum context length is 10"),
        "context_too_long",
    ),
    "context-anthropic": (
        ANTHROPIC,
        error(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
        "context_too_long",
    ),
    "cut-json": (EVERY, raw(b'{"id": "x", "choi'), "malformed_response"),
    "html": (EVERY, raw(b"<html>login</html>", content_type="text/html"), "wrong_address"),
    "nothing": (EVERY, raw(b""), "malformed_response"),
    "no-utf8": (EVERY, raw(b"\xff\xfe"), "malformed_response"),
    "null": (EVERY, raw(b"null"), "malformed_response"),
    "list": (EVERY, raw(b"[]"), "malformed_response"),
    "empty-object": (EVERY, raw(b"{}"), "malformed_response"),
    "too-deep": (EVERY, raw(b"[" * 100_000), "malformed_response"),
    "dropped": (EVERY, dropped(), "connection"),
}


def ask(model: str, timeout_s: float = 20) -> ModelRequest:
    return ModelRequest(
        model=model,
        system_prompt="the system prompt's own words",
        user_prompt="the user prompt's own words",
        output=LLMResponse,
        max_tokens=100,
        labels=RequestLabels("llm"),
        settings=CallSettings(timeout_s=timeout_s),
    )


async def fail(server: LLMServer, request: ModelRequest) -> ModelFailure:
    with server, pytest.raises(ModelFailure) as caught:
        await request_model(request)
    return caught.value


def serve(monkeypatch: pytest.MonkeyPatch, reply: Reply) -> LLMServer:
    server = LLMServer(lambda _: reply)
    server.configure(monkeypatch)
    return server


CASE_BY_MODEL = [
    pytest.param(model, reply, kind, id=f"{name}-{model.partition(':')[0]}")
    for name, (models, reply, kind) in CASES.items()
    for model in models
]


@pytest.mark.parametrize(("model", "reply", "kind"), CASE_BY_MODEL)
async def test_a_failure_costs_one_request_and_has_its_kind(
    model: str, reply: Reply, kind: FailureKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(monkeypatch, reply)

    failure = await fail(server, ask(model))

    assert failure.kind == kind
    assert len(server.exchanges) == 1
    assert str(failure).startswith(f"{model}: {kind.replace('_', ' ')}")
    assert "\n" not in str(failure)


@pytest.mark.parametrize("model", EVERY)
async def test_what_came_back_is_kept_as_it_came(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(monkeypatch, raw(b'{"error": {"message": "no"},\n "x": "\xc3\xa9"}', status=500))

    failure = await fail(server, ask(model))

    assert failure.answer is not None
    assert failure.answer.text == '{"error": {"message": "no"},\n "x": "é"}'
    assert failure.answer.usage.latency_ms > 0
    assert (failure.answer.usage.input_tokens, failure.answer.usage.output_tokens) == (0, 0)


@pytest.mark.parametrize("model", EVERY)
async def test_the_providers_wish_to_wait_is_passed_on(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = error(429, "rate_limit_error", "slow down", {"retry-after": "7"})

    failure = await fail(serve(monkeypatch, reply), ask(model))

    assert failure.retryable
    assert failure.retry_after_s == 7


@pytest.mark.parametrize("model", EVERY)
async def test_a_slow_provider_is_given_up_after_the_timeout(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(monkeypatch, replace(tool({}), gate=threading.Event()))

    failure = await fail(server, ask(model, timeout_s=0.3))

    assert (failure.kind, failure.retryable, failure.answer) == ("timeout", True, None)
    assert len(server.exchanges) == 1


@pytest.mark.parametrize("model", EVERY)
async def test_a_port_where_nobody_listens_is_unreachable(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    for provider in ("ANTHROPIC", "OPENAI", "OLLAMA"):
        monkeypatch.setenv(f"{provider}_BASE_URL", url)
        monkeypatch.setenv(f"{provider}_API_KEY", "key")

    with pytest.raises(ModelFailure) as caught:
        await request_model(ask(model))

    assert (caught.value.kind, caught.value.retryable) == ("unreachable", True)
    assert f"_BASE_URL is {url}, where nothing answers" in str(caught.value)
    assert "the request was not sent; start the server, or correct" in str(caught.value)


async def test_a_missing_key_is_said_without_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(monkeypatch, tool({}))
    monkeypatch.delenv("ANTHROPIC_API_KEY")

    failure = await fail(server, ask("anthropic:claude-sonnet-5"))

    assert failure.kind == "not_configured"
    assert "set ANTHROPIC_API_KEY" in str(failure)
    assert server.exchanges == []


@pytest.mark.parametrize("model", EVERY)
async def test_no_words_of_the_prompts_stand_in_a_failure(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = error(400, "invalid_request_error", "cannot read: the user prompt's own words")

    failure = await fail(serve(monkeypatch, reply), ask(model))

    assert "own words" not in str(failure)


@pytest.mark.parametrize("model", EVERY)
async def test_a_key_that_the_server_quotes_is_kept_nowhere(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = error(401, "authentication_error", "no such key: secret-key-123")
    server = serve(monkeypatch, reply)
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OLLAMA_API_KEY"):
        monkeypatch.setenv(name, "secret-key-123")

    failure = await fail(server, ask(model))

    assert "no such key: [key]" in str(failure)
    assert failure.answer is not None
    assert "secret-key-123" not in failure.answer.text


def test_every_class_in_the_table_comes_before_those_it_derives_from() -> None:
    failures = import_module("forge_core.llm.network.failures")
    classes = [class_ for class_, _ in failures.FAILURES]

    hidden = [
        (late.__name__, early.__name__)
        for index, late in enumerate(classes)
        for early in classes[:index]
        if issubclass(late, early)
    ]
    assert hidden == []


async def test_certificates_that_do_not_exist_are_a_matter_of_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import_module("forge_core.llm.network.http_client")._tls_context.cache_clear()
    server = serve(monkeypatch, tool({}))
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")

    failure = await fail(server, ask("openai:gpt-5.2"))

    assert (failure.kind, failure.retryable) == ("not_configured", False)


async def test_request_passes_by_a_socks_proxy_that_is_not_for_its_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = serve(monkeypatch, tool({"explanation": "done"}))
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")

    with server:
        answer = await request_model(ask("openai-chat:gpt-5.2"))

    assert "done" in answer.text


@pytest.mark.parametrize("scheme", ["socks5", "gopher"])
async def test_proxy_that_cannot_be_used_is_a_failure_with_its_reason(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(monkeypatch, tool({"explanation": "done"}))
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    failure = await fail(server, ask("openai-chat:gpt-5.2"))

    assert failure.kind in {"unreachable", "rejected", "not_configured"}
    assert server.exchanges == []


@pytest.mark.parametrize("model", EVERY)
async def test_error_with_a_status_of_success_names_the_address(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(monkeypatch, raw(b'{"error": {"message": "unknown route"}}'))

    failure = await fail(server, ask(model))

    assert (failure.kind, len(server.exchanges)) == ("rejected", 1)
    assert "rejected: unknown route (HTTP 200); " in str(failure)
    assert "_BASE_URL is http://127.0.0.1:" in str(failure)


@pytest.mark.parametrize(
    ("error", "words"),
    [(b'{"message": "' + b"z" * 5000 + b'"}', "z" * 300), (b"true", "an error without a word")],
    ids=["endless", "wordless"],
)
async def test_error_with_a_status_of_success_is_one_short_line(
    error: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(monkeypatch, raw(b'{"error": %b}' % error))

    failure = await fail(server, ask("openai-chat:gpt-5.2"))

    assert f"rejected: {words} (HTTP 200); " in str(failure)
