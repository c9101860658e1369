"""What a call tells whoever watches: tokens of all its requests, and content if that is wanted."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from forge_core.activities.llm import call_llm
from forge_core.models.activity import CallLLMInput
from forge_core.models.call.context import AssembledContext
from forge_core.models.call.llm import LLMCallResult
from forge_core.tracing.exporters import Exporters
from forge_core.tracing.setup import init_tracing, shutdown_tracing
from forge_obs import Interaction, get_interactions, open_reader, redact_text, set_redact
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from support.llm_server import LLMServer, Reply, error, in_order, stream, tool
from support.script import answer, write_script
from support.waiting import wait_until
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
CONTEXT = AssembledContext(
    task_id="task",
    workflow_id="forge-task-01234567",
    attempt=1,
    system_prompt="You write files.",
    user_prompt="Write a. The key is hunter2.",
    max_tokens=321,
)
ANSWER = {"files": [{"file_path": "a.py", "content": "x = 1\n"}], "explanation": "hunter2"}
UNFIT = {"files": "none"}
OVERLOADED = error(503, "overloaded_error", "no capacity")

Heartbeat = tuple[Any, ...]


@dataclass
class Collected:
    """What a process has told."""

    spans: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    metrics: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)
    events: InMemoryLogRecordExporter = field(default_factory=InMemoryLogRecordExporter)

    def read_points(self) -> dict[tuple[str, ...], tuple[int, float]]:
        """Stop, and return count and sum by metric, kind of token and type of error."""
        data = self.metrics.get_metrics_data()
        shutdown_tracing()
        if data is None:
            return {}
        return {
            (metric.name, *_pick(point.attributes)): (point.count, point.sum)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
            if isinstance(point, HistogramDataPoint)
        }

    def read_spans(self) -> list[ReadableSpan]:
        """Stop, and return the spans."""
        shutdown_tracing()
        return list(self.spans.get_finished_spans())

    def read_span(self) -> dict[str, Any]:
        """Stop, and return the attributes of the one span."""
        [span] = self.read_spans()
        return dict(span.attributes or {})


def _pick(attributes: Any) -> list[str]:
    names = ("gen_ai.token.type", "error.type")
    return [attributes[name] for name in names if name in attributes]


Capture = Callable[[str], Collected]
"""Starts with a value of the variable that says where content goes."""


@pytest.fixture
def capture(monkeypatch: pytest.MonkeyPatch) -> Iterator[Capture]:
    def start(mode: str) -> Collected:
        shutdown_tracing()
        monkeypatch.setenv(CAPTURE, mode)
        collected = Collected()
        exporters = Exporters(collected.spans, collected.metrics, collected.events)
        assert init_tracing(exporters=exporters, redact=redact_text)
        return collected

    yield start
    shutdown_tracing()
    set_redact(None)


@pytest.fixture
def collected(capture: Capture) -> Collected:
    return capture("")


async def call(
    attempt: int = 1, details: Heartbeat = (), on_heartbeat: Callable[..., None] | None = None
) -> LLMCallResult:
    """Execute the activity as its attempt of this number."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt, heartbeat_details=details)
    if on_heartbeat is not None:
        environment.on_heartbeat = on_heartbeat
    work = CallLLMInput(context=CONTEXT, model="openai-chat:writer-1")
    result: LLMCallResult = await environment.run(call_llm, work)
    return result


def read_rows() -> list[Interaction]:
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    return get_interactions(engine, task_id="task")


def served(monkeypatch: pytest.MonkeyPatch, *replies: Reply) -> LLMServer:
    server = LLMServer(in_order(*replies))
    server.configure(monkeypatch)
    return server


def tokens(attributes: Any) -> tuple[int, int]:
    names = ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")
    given, taken = (attributes.get(name, 0) for name in names)
    return given, taken


async def test_span_and_metrics_name_the_model_and_the_run(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(monkeypatch, tool(ANSWER)):
        await call()

    points = collected.read_points()
    [span] = collected.read_spans()
    assert span.attributes is not None
    assert span.kind is SpanKind.CLIENT
    assert span.attributes["gen_ai.conversation.id"] == "forge-task-01234567"
    assert span.attributes["gen_ai.request.model"] == "writer-1"
    assert span.attributes["gen_ai.response.finish_reasons"] == ("tool_call",)
    assert span.attributes["gen_ai.response.id"] == read_rows()[0].response_id
    assert points["gen_ai.client.token.usage", "input"] == (1, 100)
    assert points["gen_ai.client.operation.duration",][0] == 1
    assert points["gen_ai.client.operation.time_to_first_chunk",][0] == 1


async def test_resampled_call_carries_all_its_tokens_and_each_request_is_a_point(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(monkeypatch, tool(UNFIT), tool(ANSWER)):
        await call()

    points = collected.read_points()
    span = collected.read_span()
    rows = read_rows()
    assert span["forge.requests"] == 2
    assert tokens(span) == (
        sum(row.input_tokens for row in rows),
        sum(row.output_tokens for row in rows),
    )
    assert tokens(span) == (200, 40)
    assert points["gen_ai.client.token.usage", "output"] == (2, 40)
    assert points["gen_ai.client.operation.duration",][0] == 2


async def test_call_that_fails_in_the_end_carries_what_was_paid(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(monkeypatch, *[tool(UNFIT)] * 3), pytest.raises(ApplicationError):
        await call()

    span = collected.read_span()
    assert span["error.type"] == "llm.invalid_output"
    assert tokens(span) == (300, 60)


async def test_refused_request_has_no_usage_and_counts_as_an_error(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(monkeypatch, OVERLOADED), pytest.raises(ApplicationError):
        await call()

    points = collected.read_points()
    span = collected.read_span()
    assert not [name for name in span if "usage" in name or "response" in name]
    assert span["forge.requests.unmeasured"] == 1
    assert set(points) == {("gen_ai.client.operation.duration", "overloaded")}


async def test_answer_that_breaks_off_says_so(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    piece = {"choices": [{"index": 0, "delta": {"content": "I was about to"}}]}
    begun = f"data: {json.dumps({'id': 'x', 'object': 'chat.completion.chunk', **piece})}\n\n"
    with served(monkeypatch, stream(begun.encode(), is_cut=True)), pytest.raises(ApplicationError):
        await call()

    span = collected.read_span()
    assert span["gen_ai.response.finish_reasons"] == ("error",)


async def test_spans_of_all_attempts_together_carry_each_token_once(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Heartbeat] = []
    with served(monkeypatch, tool(UNFIT), OVERLOADED, tool(ANSWER)):
        with pytest.raises(ApplicationError):
            await call(on_heartbeat=lambda *details: told.append(details))
        last = json.loads(json.dumps([told[-1][0], told[-1][1].model_dump()]))
        await call(attempt=2, details=tuple(last))

    spans = collected.read_spans()
    rows = read_rows()
    assert [tokens(span.attributes) for span in spans] == [(100, 20), (100, 20)]
    assert sum(row.input_tokens for row in rows) == 200


async def test_answer_of_an_attempt_that_was_killed_is_on_the_span_that_recalls_it(
    capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture("")
    with served(monkeypatch, tool(ANSWER)):
        await call()
        after = capture("")  # what the first has told is lost
        await call(attempt=2)

    points = after.read_points()
    assert tokens(after.read_span()) == (100, 20)
    assert points == {}  # nothing was sent again


async def test_cancelled_call_tells_of_its_request(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    with served(monkeypatch, replace(tool(ANSWER), gate=_as_gate(gate))) as server:
        running = asyncio.create_task(call())
        await asyncio.to_thread(wait_until, lambda: server.exchanges, "the request")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        gate.set()

    points = collected.read_points()
    span = collected.read_span()
    assert span["error.type"] == "CancelledError"
    assert span["forge.requests"] == 1
    assert list(points) == [("gen_ai.client.operation.duration", "cancelled")]


def _as_gate(event: asyncio.Event) -> Any:
    """Return what a server's thread waits for, in the shape of its own events."""

    class Gate:
        def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - of an event
            return event.is_set()

        def is_set(self) -> bool:
            return event.is_set()

    return Gate()


async def test_prompts_and_answers_stay_here_unless_they_are_asked_for(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(monkeypatch, tool(ANSWER)):
        await call()

    [span] = collected.read_spans()
    assert "hunter2" not in span.to_json()
    assert collected.events.get_finished_logs() == ()


async def test_span_carries_the_last_request_and_its_answer(
    capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected = capture("true")
    with served(monkeypatch, tool(UNFIT), tool(ANSWER)):
        await call()

    span = collected.read_span()
    [said] = json.loads(span["gen_ai.output.messages"])
    [asked] = json.loads(span["gen_ai.input.messages"])
    assert json.loads(span["gen_ai.system_instructions"])[0]["content"] == CONTEXT.system_prompt
    assert asked["parts"][0]["content"] == read_rows()[1].user_prompt
    assert asked["parts"][0]["content"] != CONTEXT.user_prompt  # which says what was wrong
    assert said["parts"] == [{"type": "text", "content": read_rows()[1].response}]
    assert said["finish_reason"] == "tool_call"
    assert collected.events.get_finished_logs() == ()


@pytest.mark.parametrize("mode", ["SPAN_ONLY", ""])
async def test_answer_that_was_asked_for_again_is_an_event_of_the_span(
    capture: Capture, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected = capture(mode)
    set_redact(lambda text: text.replace("none", "[key]"))
    with served(monkeypatch, tool(UNFIT), tool(ANSWER)):
        await call()

    [span] = collected.read_spans()
    [event] = span.events
    told = dict(event.attributes or {})
    content = told.pop("gen_ai.output.messages", None)
    assert event.name == "forge.earlier_request"
    assert tokens(told) == (100, 20)
    assert tokens(span.attributes) == (200, 40)
    if mode:
        [message] = json.loads(str(content))
        assert json.loads(message["parts"][0]["content"]) == {"files": "[key]"}
    else:
        assert content is None


async def test_event_carries_content_as_values_beside_its_span(
    capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected = capture("event_only")
    with served(monkeypatch, tool(ANSWER)):
        await call()

    [span] = collected.read_spans()
    [told] = collected.events.get_finished_logs()
    record = told.log_record
    assert "hunter2" not in span.to_json()
    assert span.context is not None
    assert (record.trace_id, record.span_id) == (span.context.trace_id, span.context.span_id)
    assert record.event_name == "gen_ai.client.inference.operation.details"
    attributes: dict[str, Any] = dict(record.attributes or {})
    [asked] = attributes["gen_ai.input.messages"]
    assert asked["parts"][0]["content"] == CONTEXT.user_prompt
    assert attributes["gen_ai.usage.input_tokens"] == 100


async def test_refusal_by_the_server_is_nothing_that_a_model_said(
    capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected = capture("span_and_event")
    with served(monkeypatch, OVERLOADED), pytest.raises(ApplicationError):
        await call()

    span = collected.read_span()
    [told] = collected.events.get_finished_logs()
    assert "gen_ai.input.messages" in span
    assert "gen_ai.output.messages" not in span
    assert told.log_record.attributes is not None
    assert told.log_record.attributes["error.type"] == "llm.overloaded"


async def test_what_the_hook_takes_out_of_the_store_does_not_leave_either(
    capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected = capture("span_and_event")
    set_redact(lambda text: text.replace("hunter2", "***").replace("writer-1", "model of theirs"))
    with served(monkeypatch, tool(ANSWER)):
        await call()

    points = collected.metrics.get_metrics_data()
    [span] = collected.read_spans()
    [told] = collected.events.get_finished_logs()
    everything = f"{span.to_json()}{told.to_json()}{points and points.to_json()}"
    assert "***" in span.to_json()
    assert "model of theirs" in everything
    assert "hunter2" not in everything
    assert "writer-1" not in everything


async def test_text_that_the_hook_fails_on_does_not_leave(
    capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(text: str) -> str:
        if "hunter2" in text or "writer-1" in text:
            raise ValueError(text)
        return text

    collected = capture("SPAN_ONLY")
    set_redact(fail)
    with served(monkeypatch, tool(ANSWER)):
        await call()

    [span] = collected.read_spans()
    assert span.attributes is not None
    assert "hunter2" not in span.to_json()
    assert "[dropped, redaction failed]" in str(span.attributes["gen_ai.input.messages"])
    assert CONTEXT.system_prompt in str(span.attributes["gen_ai.system_instructions"])
    assert span.attributes["gen_ai.provider.name"] == "openai"
    assert span.attributes["gen_ai.request.model"] == "[dropped, redaction failed]"


async def test_script_is_measured_by_its_time_alone(
    collected: Collected, tmp_path_factory: pytest.TempPathFactory
) -> None:
    entry = {"answer": answer(), "simulated": {"input_tokens": 7, "output_tokens": 7}}
    model = write_script(tmp_path_factory.mktemp("script") / "play.json", entry)
    work = CallLLMInput(context=CONTEXT, model=model)
    await ActivityEnvironment().run(call_llm, work)

    points = collected.read_points()
    [span] = collected.read_spans()
    assert span.attributes is not None
    assert span.kind is SpanKind.INTERNAL
    assert span.attributes["gen_ai.request.model"] == "play.json"
    assert [name for name, *_ in points] == ["gen_ai.client.operation.duration"]
