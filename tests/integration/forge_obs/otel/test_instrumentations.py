"""What the instrumentations of real clients say is on record as their users would read it."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from forge_obs import Interaction
from forge_obs.otel import ForgeCompletionHook
from opentelemetry.sdk.trace import TracerProvider
from support.lazy import LazyModule
from support.llm_server import LLMServer, Reply, error, text
from support.spans import list_calls, traced, wait_for_status

if TYPE_CHECKING:
    import anthropic
    import openai
    import pydantic_ai
    from openinference.instrumentation import openai as openinference
    from opentelemetry.instrumentation.genai import anthropic as official_anthropic
    from opentelemetry.instrumentation.genai import openai as official_openai
    from pydantic_ai.models import instrumented as instrumented_models
    from pydantic_ai.models import openai as openai_models
    from pydantic_ai.providers import openai as openai_providers
else:
    anthropic, openai = LazyModule("anthropic"), LazyModule("openai")
    pydantic_ai = LazyModule("pydantic_ai")
    openinference = LazyModule("openinference.instrumentation.openai")
    official_anthropic = LazyModule("opentelemetry.instrumentation.genai.anthropic")
    official_openai = LazyModule("opentelemetry.instrumentation.genai.openai")
    instrumented_models = LazyModule("pydantic_ai.models.instrumented")
    openai_models = LazyModule("pydantic_ai.models.openai")
    openai_providers = LazyModule("pydantic_ai.providers.openai")

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
MESSAGES: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Who are you?"},
]


@pytest.fixture
def reply() -> Reply:
    return text("Hello.")


@pytest.fixture
def server(reply: Reply, monkeypatch: pytest.MonkeyPatch) -> Iterator[LLMServer]:
    with LLMServer(lambda _: reply) as running:
        running.configure(monkeypatch)
        yield running


@pytest.fixture
def db(private_environment: Path) -> Path:
    return private_environment / "forge.db"


@pytest.fixture
def provider(server: LLMServer) -> Iterator[TracerProvider]:
    assert server
    with traced() as provider:
        yield provider


@contextmanager
def instrumented(*instrumentors: Any, **options: Any) -> Iterator[None]:
    for instrumentor in instrumentors:
        instrumentor.instrument(**options)
    try:
        yield
    finally:
        for instrumentor in instrumentors:
            instrumentor.uninstrument()


def the_call(provider: TracerProvider, db: Path) -> Interaction:
    provider.force_flush()
    [call] = list_calls(db)
    return call


def check(call: Interaction, *, has_content: bool = True) -> None:
    assert (call.status, call.task_id, call.usage_known) == ("ok", "shop", True)
    assert (call.input_tokens, call.output_tokens) != (0, 0)
    assert call.request_model in {"openai:m", "anthropic:m"}
    said = ("Be brief.", "Who are you?", "Hello.") if has_content else ("", "", None)
    assert (call.system_prompt, call.user_prompt, call.response) == said


def ask_openai() -> None:
    with openai.OpenAI() as client:
        client.chat.completions.create(model="m", messages=MESSAGES)


def ask_anthropic() -> None:
    with anthropic.Anthropic() as client:
        client.messages.create(model="m", max_tokens=9, system="Be brief.", messages=[MESSAGES[1]])


def instrument_openai() -> Any:
    return official_openai.OpenAIInstrumentor()


def instrument_anthropic() -> Any:
    return official_anthropic.AnthropicInstrumentor()


OFFICIAL: dict[str, tuple[Callable[[], Any], Callable[[], None]]] = {
    "openai": (instrument_openai, ask_openai),
    "anthropic": (instrument_anthropic, ask_anthropic),
}


@pytest.mark.parametrize("client", OFFICIAL)
@pytest.mark.parametrize("mode", ["SPAN_ONLY", "NO_CONTENT"])
def test_official_instrumentation_with_content_or_without(
    client: str, mode: str, provider: TracerProvider, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CAPTURE, mode)
    instrumentor, ask = OFFICIAL[client]

    with instrumented(instrumentor(), tracer_provider=provider):
        ask()

    check(the_call(provider, db), has_content=mode == "SPAN_ONLY")


@pytest.mark.parametrize("client", OFFICIAL)
def test_hook_brings_content_that_no_span_carries(
    client: str, provider: TracerProvider, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK", "forge")
    instrumentor, ask = OFFICIAL[client]

    with instrumented(instrumentor(), tracer_provider=provider):
        ask()

    check(the_call(provider, db))


def test_hook_alone_records_whole_calls(server: LLMServer, db: Path) -> None:
    assert server
    provider = TracerProvider(shutdown_on_exit=False)
    options = {"tracer_provider": provider, "completion_hook": ForgeCompletionHook()}

    with instrumented(instrument_openai(), **options):
        ask_openai()

    (call,) = wait_for_status(db, "ok")
    assert (call.user_prompt, call.response, call.usage_known) == ("Who are you?", "Hello.", True)
    assert call.latency_ms > 0


def test_openinference_says_it_in_its_own_words(provider: TracerProvider, db: Path) -> None:
    with instrumented(openinference.OpenAIInstrumentor(), tracer_provider=provider):
        ask_openai()

    check(the_call(provider, db))


async def ask_agent(provider: TracerProvider) -> None:
    async with openai.AsyncOpenAI() as client:
        model = openai_models.OpenAIChatModel(
            "m", provider=openai_providers.OpenAIProvider(openai_client=client)
        )
        agent = pydantic_ai.Agent(model, instructions="Be brief.", name="greeter")
        agent.instrument = instrumented_models.InstrumentationSettings(tracer_provider=provider)
        await agent.run("Who are you?")


async def test_agents_span_is_no_row(provider: TracerProvider, db: Path) -> None:
    await ask_agent(provider)

    call = the_call(provider, db)
    check(call)
    assert call.parent_span_id
    assert call.session_id
    assert call.role == "greeter"


async def test_two_instrumentations_of_one_request_are_one_row(
    provider: TracerProvider, db: Path
) -> None:
    with instrumented(instrument_openai(), tracer_provider=provider):
        await ask_agent(provider)

    call = the_call(provider, db)
    check(call)
    assert "genai.openai" in str(call.extra_json)


@pytest.mark.parametrize(
    "reply", [error(429, "rate_limit_error", "slow down", {"retry-after": "0"})]
)
def test_refused_request_says_why(provider: TracerProvider, db: Path) -> None:
    with (
        instrumented(instrument_openai(), tracer_provider=provider),
        openai.OpenAI(max_retries=0) as client,
        pytest.raises(openai.RateLimitError),
    ):
        client.chat.completions.create(model="m", messages=MESSAGES)

    call = the_call(provider, db)
    assert (call.status, call.error_type) == ("error", "rate_limited")
    assert "slow down" in str(call.error)


def test_stream_is_complete_when_it_was_read(
    provider: TracerProvider, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CAPTURE, "SPAN_ONLY")

    with (
        instrumented(instrument_openai(), tracer_provider=provider),
        openai.OpenAI() as client,
    ):
        stream = client.chat.completions.create(
            model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        for _ in stream:
            pass

    call = the_call(provider, db)
    check(call)
    assert call.first_token_ms is not None
    assert 0 < call.first_token_ms <= call.latency_ms


GATE = threading.Event()


@pytest.mark.parametrize("reply", [Reply(content=text("Hello.").content, gate=GATE)])
async def test_request_that_waits_for_its_answer_is_on_record(
    provider: TracerProvider, db: Path
) -> None:
    with instrumented(instrument_openai(), tracer_provider=provider):
        async with openai.AsyncOpenAI() as client:
            asking = asyncio.create_task(
                client.chat.completions.create(model="m", messages=MESSAGES)
            )
            try:
                (started,) = await asyncio.to_thread(wait_for_status, db, "started")
            finally:
                GATE.set()
            await asking

    (call,) = await asyncio.to_thread(wait_for_status, db, "ok")
    assert call.entry_id == started.entry_id
    assert provider.force_flush()
