"""Exporters, as the SDK calls them and as the environment names them."""

from datetime import UTC, datetime, timedelta
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from forge_obs import lost_count, upgrade
from forge_obs.otel import ForgeCompletionHook, ForgeLogExporter, ForgeSpanExporter
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExportResult,
)
from opentelemetry.trace import set_span_in_context
from support.host_program import run_host
from support.llm_server import LLMServer, text
from support.spans import CHAT, list_calls

DETAILS = "gen_ai.client.inference.operation.details"
ASKED = '[{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]'


@pytest.fixture
def db(private_environment: Path) -> Path:
    upgrade(private_environment / "forge.db")
    return private_environment / "forge.db"


def test_batches_of_ended_spans_are_recorded(db: Path) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(ForgeSpanExporter()))
    tracer = provider.get_tracer("x")
    with tracer.start_as_current_span("agent"), tracer.start_as_current_span("o", attributes=CHAT):
        inner = tracer.start_span("inner", attributes=CHAT)
        inner.end()

    provider.shutdown()

    (call,) = list_calls(db)
    assert call.span_id == f"{inner.get_span_context().span_id:016x}"


def test_outer_request_that_is_exported_later_is_no_second_row(db: Path) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(ForgeSpanExporter()))
    tracer = provider.get_tracer("x")

    with tracer.start_as_current_span("o", attributes={**CHAT, "gen_ai.input.messages": ASKED}):
        tracer.start_span("inner", attributes=CHAT).end()
        assert len(list_calls(db)) == 1

    (call,) = list_calls(db)
    assert call.user_prompt == "Hi"
    provider.shutdown()


def test_event_is_merged_into_the_call_of_its_span(db: Path) -> None:
    traces = TracerProvider(shutdown_on_exit=False)
    traces.add_span_processor(SimpleSpanProcessor(ForgeSpanExporter()))
    logs = LoggerProvider(shutdown_on_exit=False)
    logs.add_log_record_processor(BatchLogRecordProcessor(ForgeLogExporter()))
    span = traces.get_tracer("x").start_span("chat", attributes=CHAT)
    context = set_span_in_context(span)
    logger = logs.get_logger("x")
    told = {**CHAT, "gen_ai.input.messages": ASKED}
    logger.emit(LogRecord(event_name=DETAILS, context=context, attributes=told))
    logger.emit(LogRecord(body="something else", context=context))
    logs.force_flush()
    span.end()

    (call,) = list_calls(db)
    assert (call.user_prompt, call.status) == ("Hi", "ok")
    assert call.latency_ms > 0
    begun = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=span.start_time // 1000)  # type: ignore[attr-defined]
    assert call.created_at == begun
    logs.shutdown()
    traces.shutdown()


def test_what_the_store_lost_is_a_failed_export(
    db: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    span = TracerProvider(shutdown_on_exit=False).get_tracer("x").start_span("c", attributes=CHAT)
    span.end()
    exporter = ForgeSpanExporter()
    assert exporter.export([span]) is SpanExportResult.SUCCESS  # type: ignore[list-item]
    assert len(list_calls(db)) == 1

    monkeypatch.setenv("FORGE_DB_PATH", "/proc/no/forge.db")
    lost = lost_count()

    assert exporter.export([span]) is SpanExportResult.FAILURE  # type: ignore[list-item]
    assert lost_count() == lost + 1
    assert "not stored" in caplog.text


def test_store_that_is_off_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "")

    assert ForgeSpanExporter().export([None]) is SpanExportResult.SUCCESS  # type: ignore[list-item]
    assert ForgeLogExporter().export([None]).name == "SUCCESS"


@pytest.mark.parametrize(
    ("group", "named"),
    [
        ("opentelemetry_traces_exporter", ForgeSpanExporter),
        ("opentelemetry_logs_exporter", ForgeLogExporter),
        ("opentelemetry_genai_completion_hook", ForgeCompletionHook),
    ],
)
def test_environment_finds_it_by_its_name(group: str, named: type) -> None:
    (found,) = entry_points(group=group, name="forge")

    assert found.load() is named


def test_environment_alone_puts_a_program_on_record(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "OTEL_TRACES_EXPORTER": "forge",
        "OTEL_LOGS_EXPORTER": "forge",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_SERVICE_NAME": "bot",
        "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK": "forge",
    }.items():
        monkeypatch.setenv(name, value)
    with LLMServer(lambda _: text("Hello.")) as server:
        server.configure(monkeypatch)
        run_host(
            """
            from opentelemetry.instrumentation.auto_instrumentation import initialize
            initialize()
            from openai import OpenAI
            asked = [{"role": "user", "content": "Who are you?"}]
            OpenAI().chat.completions.create(model="m", messages=asked)
            """
        )

    (call,) = list_calls(db)
    assert (call.task_id, call.status, call.usage_known) == ("bot", "ok", True)
    assert (call.user_prompt, call.response) == ("Who are you?", "Hello.")
