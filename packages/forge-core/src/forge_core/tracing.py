"""Tracing: where spans go, and how a run becomes one trace."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace import Span
from temporalio.client import Plugin
from temporalio.contrib.opentelemetry import OpenTelemetryPlugin, create_tracer_provider

from forge_core.span_attributes import Attributes

logger = logging.getLogger("forge.tracing")

OTLP_MODULES = {
    "otlp_http": "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "otlp_grpc": "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
}
"""Where the exporters of the optional packages are."""

EXPORTERS = ("none", "console", *OTLP_MODULES)
"""Values of `FORGE_OTEL_EXPORTER`."""


def init_tracing(exporter_name: str, exporter: SpanExporter | None = None) -> bool:
    """Send spans to an exporter, once per process; `OTEL_*` variables configure it further.

    An unknown name or a missing package is one warning, and tracing stays off.

    Args:
        exporter_name: One of `EXPORTERS`.
        exporter: Where spans go instead, for embedding and tests.

    Returns:
        Whether spans are recorded.
    """
    if _is_on():
        return True
    exporter = exporter or _build_exporter(exporter_name)
    if exporter is None:
        return False
    resource = Resource.create({"service.name": "forge"} | _named_service())
    provider = create_tracer_provider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return True


def shutdown_tracing() -> None:
    """Send what is left; spans begun later are lost."""
    if _is_on():
        shutdown = getattr(trace.get_tracer_provider(), "shutdown", None)
        if shutdown is not None:
            shutdown()


def temporal_plugins() -> list[Plugin]:
    """Return the client's plugins that carry the trace through workflows and activities."""
    return [OpenTelemetryPlugin(add_temporal_spans=True)] if _is_on() else []


@contextmanager
def activity_span(name: str, attributes: Attributes) -> Iterator[Span]:
    """Open a span of an activity; an exception sets its status to error."""
    tracer = trace.get_tracer("forge")
    with tracer.start_as_current_span(name, attributes=attributes) as span:
        yield span


def current_span_ids() -> tuple[str | None, str | None]:
    """Return the trace and span id of the current span in hex, None without one."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None, None
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)


def _is_on() -> bool:
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def _named_service() -> dict[str, str]:
    """Return the service name that the environment gives, which goes before ours."""
    named = Resource.create().attributes.get("service.name")
    return {} if str(named).startswith("unknown_service") else {"service.name": str(named)}


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
