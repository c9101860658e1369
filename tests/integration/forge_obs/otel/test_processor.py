"""Two lines of code, and the requests of a program are on record."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from forge_obs import lost_count, observe, set_redact, upgrade
from forge_obs.otel import ForgeSpanProcessor, background, process_recorder, processor
from forge_obs.otel.process_recorder import get_process_recorder
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult
from opentelemetry.trace import Status, StatusCode, Tracer
from support.children import run_in_child
from support.spans import CHAT, list_calls, traced, wait_for_status
from support.store import eventually, locked


@pytest.fixture
def db(private_environment: Path) -> Path:
    path = private_environment / "forge.db"
    upgrade(path)
    return path


@pytest.fixture
def provider(db: Path) -> Iterator[TracerProvider]:
    assert db.exists()
    with traced() as provider:
        yield provider


@pytest.fixture
def tracer(provider: TracerProvider) -> Tracer:
    return provider.get_tracer("openai")


@contextmanager
def held_thread() -> Iterator[None]:
    """Keep the thread that records from working, as one would that waits for a lock."""
    with get_process_recorder()._queue._working:
        yield


def test_request_is_started_while_it_is_under_way_and_complete_afterwards(
    tracer: Tracer, db: Path
) -> None:
    with tracer.start_as_current_span("chat m", attributes=CHAT) as span:
        (started,) = wait_for_status(db, "started")
        span.set_attribute("gen_ai.usage.input_tokens", 5)
        span.set_attribute("gen_ai.usage.output_tokens", 7)

    (call,) = wait_for_status(db, "ok")
    assert call.entry_id == started.entry_id
    assert (call.task_id, call.role, call.request_model) == ("shop", "llm", "openai:m")
    assert (call.input_tokens, call.output_tokens) == (5, 7)
    assert call.latency_ms > 0
    assert call.created_at == started.created_at


def test_ids_of_the_span_and_of_the_one_around_it_are_kept(
    provider: TracerProvider, tracer: Tracer, db: Path
) -> None:
    with tracer.start_as_current_span("agent") as agent:
        tracer.start_span("chat m", attributes={**CHAT, "session.id": "s1"}).end()
    provider.force_flush()

    (call,) = list_calls(db)
    context = agent.get_span_context()
    assert call.trace_id == f"{context.trace_id:032x}"
    assert call.parent_span_id == f"{context.span_id:016x}"
    assert call.session_id == "s1"


def test_agents_workflows_and_tools_are_no_calls(
    provider: TracerProvider, tracer: Tracer, db: Path
) -> None:
    for operation in ("invoke_agent", "invoke_workflow", "execute_tool"):
        attributes = {"gen_ai.operation.name": operation, "gen_ai.usage.input_tokens": 9}
        tracer.start_span(operation, attributes=attributes).end()
    for kind in ("CHAIN", "AGENT", "TOOL", "RETRIEVER"):
        tracer.start_span(kind, attributes={"openinference.span.kind": kind}).end()
    provider.force_flush()

    assert list_calls(db) == []


def test_request_within_a_request_takes_its_row(
    provider: TracerProvider, tracer: Tracer, db: Path
) -> None:
    asked = {"gen_ai.input.messages": '[{"role": "user", "content": "Hello?"}]'}
    with tracer.start_as_current_span("outer", attributes={**CHAT, **asked}):
        (outer,) = wait_for_status(db, "started")
        with tracer.start_as_current_span("http"):
            tracer.start_span("inner", attributes=CHAT).end()
        provider.force_flush()
        (inner,) = wait_for_status(db, "ok")
        assert inner.span_id != outer.span_id
    provider.force_flush()

    (call,) = list_calls(db)
    assert (call.span_id, call.user_prompt) == (inner.span_id, "Hello?")


def test_failed_request_says_why(provider: TracerProvider, tracer: Tracer, db: Path) -> None:
    with pytest.raises(TimeoutError), tracer.start_as_current_span("chat m", attributes=CHAT):
        raise TimeoutError("took too long")
    provider.force_flush()

    (call,) = list_calls(db)
    assert (call.status, call.error_type) == ("error", "timeout")
    assert call.error is not None
    assert "took too long" in call.error


def test_request_inside_an_observed_block_is_one_row(
    provider: TracerProvider, tracer: Tracer, db: Path
) -> None:
    with observe(task_id="mine", model="m") as call:
        with tracer.start_as_current_span("agent"):
            tracer.start_span("chat m", attributes=CHAT).end()
        call.answer("Hi.")
    tracer.start_span("chat m", attributes=CHAT).end()
    provider.force_flush()

    assert sorted(call.task_id for call in list_calls(db)) == ["mine", "shop"]


def test_request_around_an_observed_block_is_no_second_row(
    provider: TracerProvider, tracer: Tracer, db: Path
) -> None:
    with tracer.start_as_current_span("outer", attributes=CHAT):
        wait_for_status(db, "started")
        with tracer.start_as_current_span("between"), observe(task_id="mine", model="m") as call:
            call.answer("Hi.")
    provider.force_flush()

    assert [call.task_id for call in list_calls(db)] == ["mine"]


async def test_observed_block_of_one_task_hides_nothing_of_another(
    provider: TracerProvider, tracer: Tracer, db: Path
) -> None:
    inside, ended = asyncio.Event(), asyncio.Event()

    async def observed() -> None:
        async with observe(task_id="mine", model="m") as call:
            inside.set()
            await ended.wait()
            tracer.start_span("chat hidden", attributes=CHAT).end()
            await asyncio.to_thread(lambda: tracer.start_span("chat", attributes=CHAT).end())
            call.answer("Hi.")

    async def instrumented() -> None:
        await inside.wait()
        tracer.start_span("chat m", attributes=CHAT).end()
        ended.set()

    await asyncio.gather(observed(), instrumented())
    await asyncio.to_thread(provider.force_flush)

    assert sorted(call.task_id for call in list_calls(db)) == ["mine", "shop"]


async def _close(pieces: AsyncGenerator[str, None]) -> None:
    await pieces.aclose()


async def test_stream_that_nobody_reads_to_its_end_hides_nothing_later(
    provider: TracerProvider, tracer: Tracer, db: Path
) -> None:
    async def stream() -> AsyncGenerator[str, None]:
        async with observe(task_id="mine", model="m") as call:
            call.chunk("He")
            yield "He"

    pieces = stream()
    assert await anext(pieces) == "He"
    await asyncio.create_task(_close(pieces))
    tracer.start_span("chat m", attributes=CHAT).end()
    await asyncio.to_thread(provider.force_flush)

    assert sorted(call.task_id for call in list_calls(db)) == ["mine", "shop"]


def test_observed_block_of_one_thread_hides_nothing_of_another(
    provider: TracerProvider, tracer: Tracer, db: Path
) -> None:
    with observe(task_id="mine", model="m") as call, ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: tracer.start_span("chat m", attributes=CHAT).end()).result()
        call.answer("Hi.")
    provider.force_flush()

    assert sorted(call.task_id for call in list_calls(db)) == ["mine", "shop"]


def test_what_forge_records_itself_is_no_second_row(
    provider: TracerProvider, tracer: Tracer, db: Path
) -> None:
    with provider.get_tracer("forge").start_as_current_span("forge.call_llm", attributes=CHAT):
        tracer.start_span("chat m", attributes=CHAT).end()
    provider.force_flush()

    assert list_calls(db) == []


@pytest.mark.parametrize(
    ("given", "service", "expected"),
    [("tidy", "shop", "tidy"), (None, "shop", "shop"), (None, "", process_recorder.name_program())],
    ids=["said", "service", "program"],
)
def test_task_is_what_is_said_or_the_service_or_the_program(
    given: str | None, service: str, expected: str, db: Path
) -> None:
    with traced(given, service=service) as provider:
        provider.get_tracer("x").start_span("chat m", attributes=CHAT).end()

    assert [call.task_id for call in list_calls(db)] == [expected]


@pytest.mark.usefixtures("impatient")
def test_host_goes_on_while_the_database_is_locked(
    provider: TracerProvider, tracer: Tracer, db: Path
) -> None:
    with locked(db):
        for _ in range(100):
            tracer.start_span("chat m", attributes=CHAT).end()
        assert list_calls(db) == []

    def are_stored() -> bool:
        tracer.start_span("more", attributes=CHAT).end()
        provider.force_flush()
        return len(list_calls(db)) > 100

    assert eventually(are_stored)


def test_flush_gives_up_in_time(provider: TracerProvider, tracer: Tracer) -> None:
    with held_thread(), ThreadPoolExecutor(1) as pool:
        tracer.start_span("chat m", attributes=CHAT).end()

        assert pool.submit(provider.force_flush, 50).result() is False


def test_what_finds_no_room_is_counted_and_told_once(
    provider: TracerProvider,
    tracer: Tracer,
    db: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(background, "MOST_ITEMS", 3)
    lost = lost_count()
    with held_thread(), caplog.at_level(logging.WARNING):
        for _ in range(10):
            tracer.start_span("chat m", attributes=CHAT).end()
    provider.force_flush()

    assert len(list_calls(db)) == 3
    assert lost_count() - lost == 7
    assert caplog.text.count("the queue of spans is full") == 1


def test_bytes_that_wait_are_bounded_too(
    provider: TracerProvider, tracer: Tracer, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "MOST_BYTES", 50_000)
    with held_thread():
        for _ in range(10):
            attributes = {**CHAT, "gen_ai.input.messages": "x" * 20_000}
            tracer.start_span("chat m", attributes=attributes).end()
    provider.force_flush()

    assert len(list_calls(db)) == 2


def test_spans_that_never_end_are_bounded(
    provider: TracerProvider, tracer: Tracer, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "MOST_PLACES", 10)
    monkeypatch.setattr(process_recorder, "MOST_OPEN", 10)
    own = provider._active_span_processor._span_processors[0]
    assert isinstance(own, ForgeSpanProcessor)
    with held_thread():
        spans = [tracer.start_span("chat m", attributes=CHAT) for _ in range(100)]
        assert len(own._places) <= 10
        assert len(get_process_recorder()._open) <= 10
    spans[0].end()
    provider.force_flush()

    assert "ok" in [call.status for call in list_calls(db)]


class _RecordOnly(Sampler):
    def should_sample(self, *args: Any, **_: object) -> SamplingResult:
        return SamplingResult(Decision.RECORD_ONLY, attributes=args[4])

    def get_description(self) -> str:
        return "RecordOnly"


@pytest.mark.parametrize(
    ("sampler", "number"), [(ALWAYS_OFF, 0), (_RecordOnly(), 1)], ids=["dropped", "record only"]
)
def test_what_the_sampler_has_recorded_is_on_record(
    sampler: Sampler, number: int, db: Path
) -> None:
    with traced(sampler=sampler) as provider:
        provider.get_tracer("x").start_span("chat m", attributes=CHAT).end()

    assert len(list_calls(db)) == number


def test_redaction_is_that_of_record(provider: TracerProvider, tracer: Tracer, db: Path) -> None:
    set_redact(lambda text: text.replace("secret", "[gone]"))
    try:
        asked = {"gen_ai.input.messages": '[{"role": "user", "content": "a secret"}]'}
        tracer.start_span("chat m", attributes={**CHAT, **asked}).end()
        provider.force_flush()
    finally:
        set_redact(None)

    (call,) = list_calls(db)
    assert call.user_prompt == "a [gone]"
    assert "secret" not in str(call.messages_json)


def test_shutdown_leaves_a_request_under_way_as_started_and_takes_no_more(db: Path) -> None:
    with traced() as provider:
        tracer = provider.get_tracer("x")
        left_open = tracer.start_span("chat m", attributes=CHAT)
        provider.shutdown()
        left_open.end()
        tracer.start_span("late", attributes=CHAT).end()
        provider.force_flush()

    assert [call.status for call in list_calls(db)] == ["started"]


def test_child_forked_while_a_thread_holds_a_lock_records(
    provider: TracerProvider, tracer: Tracer, db: Path
) -> None:
    own = provider._active_span_processor._span_processors[0]
    assert isinstance(own, ForgeSpanProcessor)

    def ask() -> bool:
        tracer.start_span("chat child", attributes=CHAT).end()
        return provider.force_flush()

    with ThreadPoolExecutor(1) as pool, ExitStack() as held:
        for lock in (own._lock, get_process_recorder()._lock, get_process_recorder()._queue._lock):
            pool.submit(held.enter_context, lock).result()
        assert run_in_child(ask)
        pool.submit(held.close).result()

    assert len(list_calls(db)) == 1


def test_span_that_cannot_be_read_costs_no_other_and_never_the_host(
    provider: TracerProvider, tracer: Tracer, db: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lost = lost_count()
    broken = tracer.start_span("broken", attributes=CHAT)
    broken._events = 5  # type: ignore[attr-defined]
    own = provider._active_span_processor._span_processors[0]
    own.on_end(broken)  # type: ignore[arg-type]
    own.on_start(None)  # type: ignore[arg-type]
    span = tracer.start_span("chat m", attributes=CHAT)
    span.set_status(Status(StatusCode.OK))
    span.end()
    broken._events = []  # type: ignore[attr-defined]
    provider.force_flush()

    assert "ok" in [call.status for call in list_calls(db)]
    assert caplog.text.count("ForgeSpanProcessor fails on a span") == 1
    assert lost_count() == lost


def test_disk_that_takes_nothing_is_no_failure_of_the_host(
    provider: TracerProvider,
    tracer: Tracer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "/proc/no/forge.db")

    tracer.start_span("chat m", attributes=CHAT).end()

    assert provider.force_flush()
    assert "not stored" in caplog.text


def test_store_that_is_off_takes_nothing(
    provider: TracerProvider, tracer: Tracer, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    span = tracer.start_span("begun before", attributes=CHAT)
    monkeypatch.setenv("FORGE_DB_PATH", "")
    span.end()
    tracer.start_span("chat m", attributes=CHAT).end()

    assert provider.force_flush()
    monkeypatch.setenv("FORGE_DB_PATH", str(db))
    assert list_calls(db) == []
