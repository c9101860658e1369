"""Spans, metrics and events reach a receiver over the wire, or the user is told once."""

import json
import threading
from collections.abc import Iterator

import pytest
from forge_core.models.call.context import AssembledContext
from forge_core.models.call.llm import CallUsage
from forge_core.tracing.call_span import call_span
from forge_core.tracing.content import CallTexts
from forge_core.tracing.metrics import DURATION_BUCKETS, TOKEN_BUCKETS, RequestFigures
from forge_core.tracing.setup import get_telemetry, init_tracing, shutdown_tracing
from support.otlp_receiver import OTLPReceiver, read_attributes

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
CONTEXT = AssembledContext(
    task_id="t", workflow_id="forge-t-1", system_prompt="Be brief.", user_prompt="Write a."
)
USAGE = CallUsage(model_name="gpt-5-2026", input_tokens=100, output_tokens=20, finish_reason="stop")
FIGURES = RequestFigures("openai", "gpt-5", 0.3, "gpt-5-2026", None, 100, 20, 0.1)


@pytest.fixture(autouse=True)
def off_afterwards() -> Iterator[None]:
    yield
    shutdown_tracing()


def send_to(receiver: OTLPReceiver, monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """Switch tracing on, by the environment."""
    monkeypatch.setenv("FORGE_OTEL_EXPORTER", "otlp_http")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert init_tracing(redact=lambda text: text)


async def make_call() -> None:
    """Trace a call of one request and measure it."""
    async with call_span("forge.call_llm", CONTEXT, "openai:gpt-5") as span:
        span.note_request(CallTexts("Be brief.", "Write a.", "{}"), USAGE, is_new=True)
        span.note_answer(USAGE, "resp-1", is_whole=True)
    telemetry = get_telemetry()
    assert telemetry is not None
    if telemetry.meter is not None:
        telemetry.meter.record(FIGURES)
    shutdown_tracing()


async def test_span_of_a_call_arrives_with_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    with OTLPReceiver() as receiver:
        send_to(receiver, monkeypatch, **{CAPTURE: "SPAN_ONLY"})
        await make_call()

    [span] = receiver.spans
    attributes = read_attributes(span)
    assert receiver.scopes == {"forge"}
    assert span.kind == span.SPAN_KIND_CLIENT
    assert attributes["gen_ai.usage.input_tokens"] == 100
    assert json.loads(attributes["gen_ai.output.messages"])[0]["role"] == "assistant"
    assert receiver.events == []


async def test_metrics_have_the_names_and_buckets_of_the_conventions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with OTLPReceiver() as receiver:
        send_to(receiver, monkeypatch)
        await make_call()

    common = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.response.model": "gpt-5-2026",
    }
    tokens = [p for p in receiver.points if p.metric == "gen_ai.client.token.usage"]
    others = {p.metric: p for p in receiver.points if p not in tokens}
    assert [(p.attributes, p.sum, p.unit) for p in tokens] == [
        ({**common, "gen_ai.token.type": "input"}, 100, "{token}"),
        ({**common, "gen_ai.token.type": "output"}, 20, "{token}"),
    ]
    assert {p.bounds for p in tokens} == {tuple(map(float, TOKEN_BUCKETS))}
    assert set(others) == {
        "gen_ai.client.operation.duration",
        "gen_ai.client.operation.time_to_first_chunk",
    }
    duration = others["gen_ai.client.operation.duration"]
    assert (duration.attributes, duration.sum, duration.unit) == (common, 0.3, "s")
    assert duration.bounds == tuple(DURATION_BUCKETS)
    assert receiver.resources[0]["service.name"] == "forge"


async def test_event_arrives_in_structured_form(monkeypatch: pytest.MonkeyPatch) -> None:
    with OTLPReceiver() as receiver:
        send_to(receiver, monkeypatch, **{CAPTURE: "EVENT_ONLY"})
        await make_call()

    [event] = receiver.events
    [span] = receiver.spans
    assert event.event_name == "gen_ai.client.inference.operation.details"
    assert event.span_id == span.span_id
    assert read_attributes(event)["gen_ai.input.messages"] == [
        {"role": "user", "parts": [{"type": "text", "content": "Write a."}]}
    ]
    assert "gen_ai.input.messages" not in read_attributes(span)


async def test_standard_variables_switch_metrics_and_events_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    off = {"OTEL_METRICS_EXPORTER": "None", "OTEL_LOGS_EXPORTER": "none"}
    with OTLPReceiver() as receiver:
        send_to(receiver, monkeypatch, **{CAPTURE: "SPAN_AND_EVENT"}, **off)
        await make_call()

    assert {path for path, _ in receiver.received} == {"/v1/traces"}


async def test_receiver_without_metrics_is_one_warning_that_says_how_to_end_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with OTLPReceiver("/v1/metrics") as receiver:
        send_to(receiver, monkeypatch, OTEL_METRIC_EXPORT_INTERVAL="50")
        await make_call()

    ours = [record.getMessage() for record in caplog.records if record.name == "forge.tracing"]
    assert len(receiver.spans) == 1
    [line] = ours
    assert line.startswith("metrics could not be sent: check OTEL_EXPORTER_OTLP_ENDPOINT")
    assert "OTEL_METRICS_EXPORTER=none" in line


async def test_no_thread_is_left_when_tracing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(threading.enumerate())
    with OTLPReceiver() as receiver:
        send_to(receiver, monkeypatch, **{CAPTURE: "SPAN_AND_EVENT"})
        during = {thread.name for thread in set(threading.enumerate()) - before}
        shutdown_tracing()

    assert [name for name in during if "Metric" in name]
    assert not [t for t in set(threading.enumerate()) - before if "Otel" in t.name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_METRIC_EXPORT_INTERVAL", "-1"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
    ],
)
def test_setting_that_cannot_be_used_is_one_warning_and_leaves_no_thread(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = set(threading.enumerate())
    monkeypatch.setenv(name, value)

    is_on = init_tracing("otlp_http")

    ours = [r.getMessage() for r in caplog.records if r.name == "forge.tracing"]
    assert not is_on
    assert ["OTEL_ variable cannot be used" in line for line in ours] == [True]
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize(
    ("value", "has_redact", "warning"),
    [
        ("sometimes", True, "=sometimes is unknown (NO_CONTENT, SPAN_ONLY, EVENT_ONLY, "),
        ("SPAN_ONLY", False, "has not said what takes secrets out: prompts stay here"),
    ],
    ids=["unknown value", "nothing redacts"],
)
async def test_content_stays_here_with_a_warning_unless_it_is_clear_how_it_leaves(
    value: str,
    has_redact: bool,
    warning: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(CAPTURE, value)
    with OTLPReceiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        assert init_tracing("otlp_http", redact=(lambda text: text) if has_redact else None)
        await make_call()

    [span] = receiver.spans
    assert "Write a." not in str(span)
    assert [warning in record.getMessage() for record in caplog.records] == [True]
