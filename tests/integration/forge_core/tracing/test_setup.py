"""Tracing: switching it on and off, and one trace for a whole run."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence

import pytest
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config
from forge_core.tracing.exporters import OTLP_PACKAGES, Exporters
from forge_core.tracing.setup import (
    activity_span,
    current_span_ids,
    get_tracer,
    init_tracing,
    shutdown_tracing,
    temporal_plugins,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from support.temporal_server import running_server, unique_queue
from support.traced import Child, Parent, call_model
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

ONE_SPAN = """
from forge_core.tracing.setup import *
print(init_tracing())
with activity_span("forge.call_llm", {"forge.task_id": "t"}):
    pass
"""

EXPECTED = sorted(
    ["forge run", "StartWorkflow:Parent", "RunWorkflow:Parent"]
    + ["StartChildWorkflow:Child", "RunWorkflow:Child"]
    + ["StartActivity:call_model", "RunActivity:call_model", "forge.call_llm"] * 2
)
"""Every span of a run, none twice."""


class HangingExporter(SpanExporter):
    """An exporter whose collector never answers."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002
        self.released.wait()
        return SpanExportResult.SUCCESS


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """Tracing is on during the test; the exporter keeps what it was sent."""
    exporter = InMemorySpanExporter()
    assert init_tracing(exporters=Exporters(exporter))
    yield exporter
    shutdown_tracing()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_server(tmp_path_factory.mktemp("temporal")) as address:
        yield address


def run_python(script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done


async def run_parent(client: Client, *, replaying: bool = False) -> list[str | None]:
    """Run the workflow; `replaying` has the worker replay it at each of its tasks."""
    queue = unique_queue()
    async with Worker(
        client,
        task_queue=queue,
        workflows=[Parent, Child],
        activities=[call_model],
        max_cached_workflows=0 if replaying else 100,
    ):
        return await client.execute_workflow(
            Parent.run, id=f"traced-{uuid.uuid4()}", task_queue=queue
        )


def names(spans: Sequence[ReadableSpan]) -> list[str]:
    return [span.name for span in spans]


@pytest.mark.parametrize("replaying", [False, True], ids=["cached", "replayed"])
async def test_run_is_one_trace_through_child_and_activities(
    server: str, exporter: InMemorySpanExporter, replaying: bool
) -> None:
    client = await connect(embedded_config(server, get_state_dir()))
    with get_tracer().start_as_current_span("forge run") as root:
        seen = await run_parent(client, replaying=replaying)
    shutdown_tracing()

    spans = exporter.get_finished_spans()
    by_id = {span.context.span_id: span for span in spans if span.context}
    parents = {span.name: by_id[span.parent.span_id].name for span in spans if span.parent}
    trace_id = root.get_span_context().trace_id
    assert {span.context.trace_id for span in spans if span.context} == {trace_id}
    assert seen == [f"{trace_id:032x}"] * 2
    assert sorted(names(spans)) == EXPECTED
    assert parents["forge.call_llm"] == "RunActivity:call_model"


def test_nothing_is_recorded_unless_asked_for() -> None:
    done = run_python(ONE_SPAN + "print(current_span_ids(), temporal_plugins())")

    assert done.stdout.split("\n") == ["False", "(None, None) []", ""]
    assert done.stderr == ""


def test_console_exporter_writes_to_stderr_alone() -> None:
    done = run_python(ONE_SPAN, FORGE_OTEL_EXPORTER="console")

    span = json.loads(done.stderr)
    assert done.stdout == "True\n"
    assert (span["name"], span["attributes"]) == ("forge.call_llm", {"forge.task_id": "t"})
    assert span["resource"]["attributes"]["service.name"] == "forge"


def test_standard_variable_names_the_service() -> None:
    done = run_python(ONE_SPAN, FORGE_OTEL_EXPORTER="console", OTEL_SERVICE_NAME="factory")

    assert json.loads(done.stderr)["resource"]["attributes"]["service.name"] == "factory"


def test_standard_variable_switches_the_sdk_off() -> None:
    done = run_python(ONE_SPAN, FORGE_OTEL_EXPORTER="console", OTEL_SDK_DISABLED="true")

    assert done.stderr == ""


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("jaeger", "FORGE_OTEL_EXPORTER=jaeger is unknown"),
        ("otlp_http", "needs the extra otlp-http of forge-core"),
        ("otlp_grpc", "needs the extra otlp-grpc of forge-core"),
    ],
)
def test_exporter_that_is_not_there_is_one_warning_and_no_tracing(
    name: str, warning: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for package in OTLP_PACKAGES.values():
        monkeypatch.setitem(sys.modules, f"{package}.trace_exporter", None)

    with caplog.at_level(logging.WARNING):
        is_on = init_tracing(name)

    assert not is_on
    assert temporal_plugins() == []
    assert [warning in record.getMessage() for record in caplog.records] == [True]


def test_foreign_tracer_provider_is_left_alone() -> None:
    done = run_python(
        "from opentelemetry import trace; from opentelemetry.sdk.trace import TracerProvider\n"
        "trace.set_tracer_provider(TracerProvider())\n" + ONE_SPAN,
        FORGE_OTEL_EXPORTER="console",
    )

    assert done.stdout == "False\n"
    assert done.stderr.count("\n") == 1
    assert "has a tracer provider already" in done.stderr


def test_second_start_changes_nothing(exporter: InMemorySpanExporter) -> None:
    other = InMemorySpanExporter()

    is_on = init_tracing(exporters=Exporters(other))
    with activity_span("forge.call_llm", {}):
        pass
    shutdown_tracing()

    assert is_on
    assert names(exporter.get_finished_spans()) == ["forge.call_llm"]
    assert other.get_finished_spans() == ()


def test_tracing_can_be_switched_on_again() -> None:
    first, second = InMemorySpanExporter(), InMemorySpanExporter()

    for exporter, name in ((first, "one"), (second, "two")):
        init_tracing(exporters=Exporters(exporter))
        with activity_span(name, {}):
            pass
        shutdown_tracing()

    assert names(first.get_finished_spans()) == ["one"]
    assert names(second.get_finished_spans()) == ["two"]


def test_collector_that_hangs_does_not_hold_up_the_end(caplog: pytest.LogCaptureFixture) -> None:
    hanging = HangingExporter()
    init_tracing(exporters=Exporters(hanging))
    with activity_span("forge.call_llm", {}):
        pass
    begun = time.monotonic()

    shutdown_tracing(timeout_s=0.2)

    assert time.monotonic() - begun < 5
    assert "could not be sent within 0.2 s" in caplog.text
    hanging.released.set()


def test_span_knows_its_ids(exporter: InMemorySpanExporter) -> None:
    with activity_span("forge.call_llm", {}):
        trace_id, span_id = current_span_ids()
    shutdown_tracing()

    context = exporter.get_finished_spans()[0].context
    assert context is not None
    assert (trace_id, span_id) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ApplicationError("SECRET", type="llm.quota"), "llm.quota"),
        (ValueError("SECRET"), "ValueError"),
    ],
)
def test_failure_marks_its_span_without_quoting_the_message(
    exporter: InMemorySpanExporter, error: Exception, kind: str
) -> None:
    with pytest.raises(type(error)), activity_span("forge.call_llm", {}):
        raise error
    shutdown_tracing()

    span = exporter.get_finished_spans()[0]
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes["error.type"] == kind
    assert "SECRET" not in span.to_json()
