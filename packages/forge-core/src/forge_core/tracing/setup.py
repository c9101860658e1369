"""Tracing: where spans go, and how a run becomes one trace."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from threading import Thread

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace import Span, Status, StatusCode, Tracer
from temporalio.client import Plugin
from temporalio.contrib.opentelemetry import OpenTelemetryPlugin, create_tracer_provider
from temporalio.exceptions import ApplicationError

from forge_core.tracing.attributes import ERROR_TYPE, Attributes

logger = logging.getLogger("forge.tracing")

FLUSH_TIMEOUT_S = 5.0
"""Seconds that the last spans get to reach an exporter."""

OTLP_MODULES = {
    "otlp_http": "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "otlp_grpc": "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
}
"""Where the exporters of the optional packages are."""

EXPORTERS = ("none", "console", *OTLP_MODULES)
"""Values of `FORGE_OTEL_EXPORTER`."""


class SwitchedProcessor(SpanProcessor):
    """Passes spans on to a processor that can be set and taken away.

    OpenTelemetry lets a process set its tracer provider once and add processors only.
    """

    def __init__(self) -> None:
        self.target: SpanProcessor | None = None

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        """Pass the start of a span on."""
        if self.target is not None:
            self.target.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Pass an ended span on."""
        if self.target is not None:
            self.target.on_end(span)

    def take(self) -> SpanProcessor | None:
        """Detach the processor: nothing is passed on any more."""
        target, self.target = self.target, None
        return target

    def shutdown(self) -> None:
        """Send what is left; called when the interpreter exits."""
        target = self.take()
        if target is not None:
            target.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is left."""
        return self.target is None or self.target.force_flush(timeout_millis)


_processor = SwitchedProcessor()


def init_tracing(exporter_name: str | None = None, exporter: SpanExporter | None = None) -> bool:
    """Send spans to an exporter until `shutdown_tracing`; `OTEL_*` variables configure it.

    While tracing is on, a further call changes nothing. An unknown name, a missing package or a
    tracer provider that is not ours is one warning, and tracing stays off.

    Args:
        exporter_name: One of `EXPORTERS`; `FORGE_OTEL_EXPORTER` if not given.
        exporter: Where spans go instead, for embedding and tests.

    Returns:
        Whether spans are recorded.
    """
    if _processor.target is not None:
        return True
    name = os.environ.get("FORGE_OTEL_EXPORTER", "") if exporter_name is None else exporter_name
    exporter = exporter or _build_exporter(name)
    if exporter is None or not _install_provider():
        return False
    _processor.target = BatchSpanProcessor(exporter)
    return True


def shutdown_tracing(timeout_s: float = FLUSH_TIMEOUT_S) -> None:
    """Send what is left, waiting no longer than `timeout_s`; spans that end later are lost."""
    target = _processor.take()
    if target is None:
        return
    # The SDK waits half a minute for an exporter that hangs.
    last = Thread(target=target.shutdown, name="forge-tracing-shutdown", daemon=True)
    last.start()
    last.join(timeout_s)
    if last.is_alive():
        logger.warning("the last spans could not be sent within %g s", timeout_s)


def get_tracer() -> Tracer:
    """Return the tracer of Forge's own spans."""
    return trace.get_tracer("forge")


def temporal_plugins() -> list[Plugin]:
    """Return the client's plugins that carry the trace through workflows and activities."""
    return [OpenTelemetryPlugin(add_temporal_spans=True)] if _processor.target is not None else []


@contextmanager
def activity_span(name: str, attributes: Attributes) -> Iterator[Span]:
    """Open a span of an activity; an exception sets its status to error.

    The exception's text stays off the span: a provider's message may quote the prompt.
    """
    with get_tracer().start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException as error:
            kind = _error_kind(error)
            span.set_attribute(ERROR_TYPE, kind)
            span.set_status(Status(StatusCode.ERROR, kind))
            raise


def current_span_ids() -> tuple[str | None, str | None]:
    """Return the trace and span id of the current span in hex, None without one."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None, None
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)


def _error_kind(error: BaseException) -> str:
    if isinstance(error, ApplicationError) and error.type:
        return error.type
    return type(error).__name__


def _install_provider() -> bool:
    """Make our tracer provider the process's; False if another one is already."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        trace.set_tracer_provider(_provider())
    if trace.get_tracer_provider() is _provider():
        return True
    logger.warning("this process has a tracer provider already: tracing of Forge is off")
    return False


@cache
def _provider() -> trace.TracerProvider:
    resource = Resource.create({"service.name": "forge"}).merge(OTELResourceDetector().detect())
    provider = create_tracer_provider(resource=resource)
    provider.add_span_processor(_processor)
    return provider


def _build_exporter(name: str) -> SpanExporter | None:
    if name in {"", "none"}:
        return None
    if name == "console":
        return ConsoleSpanExporter(out=sys.stderr)
    if name not in EXPORTERS:
        logger.warning(
            "FORGE_OTEL_EXPORTER=%s is unknown (%s): tracing is off", name, ", ".join(EXPORTERS)
        )
        return None
    try:
        exporter: SpanExporter = import_module(OTLP_MODULES[name]).OTLPSpanExporter()
    except ImportError:
        logger.warning(
            "FORGE_OTEL_EXPORTER=%s needs the extra %s of forge-core: tracing is off",
            name,
            name.replace("_", "-"),
        )
        return None
    return exporter
