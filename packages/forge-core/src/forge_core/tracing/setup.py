"""Tracing: where spans, metrics and events go, and how a run becomes one trace.

See D98.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Thread
from time import monotonic

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from temporalio.client import Plugin
from temporalio.contrib.opentelemetry import OpenTelemetryPlugin, create_tracer_provider
from temporalio.exceptions import ApplicationError

from forge_core.tracing.attributes import ERROR_TYPE, Attributes
from forge_core.tracing.content import ContentMode, Redact
from forge_core.tracing.exporters import Exporters, build_exporters
from forge_core.tracing.telemetry import (
    SCOPE,
    Telemetry,
    build_span_processor,
    build_telemetry,
    read_content_mode,
)

logger = logging.getLogger("forge.tracing")

FLUSH_TIMEOUT_S = 5.0
"""Seconds that the last spans get to reach an exporter."""


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


@dataclass
class _State:
    telemetry: Telemetry | None = None


_processor = SwitchedProcessor()
_state = _State()


def init_tracing(
    exporter_name: str | None = None,
    exporters: Exporters | None = None,
    redact: Redact | None = None,
) -> bool:
    """Send spans and metrics until `shutdown_tracing`; `OTEL_*` variables configure how.

    While tracing is on, a further call changes nothing. An unknown name, a missing package, a
    variable that cannot be used or a tracer provider that is not ours is one warning, and tracing
    stays off.

    Args:
        exporter_name: One of `EXPORTERS`; `FORGE_OTEL_EXPORTER` if not given.
        exporters: Where everything goes instead, for embedding and tests.
        redact: Takes out of a text what must not leave: `forge_obs.redact_text` is what the store
            does. Without one, prompts and answers stay, whatever the environment asks for.

    Returns:
        Whether spans are recorded.
    """
    if _processor.target is not None:
        return True
    name = os.environ.get("FORGE_OTEL_EXPORTER", "") if exporter_name is None else exporter_name
    if (exporters is None and name in {"", "none"}) or not _is_provider_free():
        return False
    mode = read_content_mode(has_redact=redact is not None)
    try:
        exporters = exporters or build_exporters(name, has_events=mode.in_event)
        if exporters is None:
            return False
        _start(exporters, mode, redact)
    except ValueError as error:
        logger.warning("an OTEL_ variable cannot be used: %s: tracing is off", error)
        return False
    return True


def shutdown_tracing(timeout_s: float = FLUSH_TIMEOUT_S) -> None:
    """Send what is left, waiting no longer than `timeout_s`; what ends later is lost."""
    spans, telemetry = _processor.take(), _state.telemetry
    _state.telemetry = None
    closers = () if telemetry is None else telemetry.closers
    if spans is not None:
        closers = (("spans", spans.shutdown), *closers)
    # The SDK waits half a minute for an exporter that hangs.
    threads = [Thread(target=close, name=what, daemon=True) for what, close in closers]
    for thread in threads:
        thread.start()
    deadline = monotonic() + timeout_s
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
    late = [thread.name for thread in threads if thread.is_alive()]
    if late:
        logger.warning("the last %s could not be sent within %g s", " and ".join(late), timeout_s)


def get_telemetry() -> Telemetry | None:
    """Return what this process tells of its calls; None while tracing is off."""
    return _state.telemetry


def get_tracer() -> Tracer:
    """Return the tracer of Forge's own spans."""
    return trace.get_tracer(SCOPE)


def temporal_plugins() -> list[Plugin]:
    """Return the client's plugins that carry the trace through workflows and activities."""
    return [OpenTelemetryPlugin(add_temporal_spans=True)] if _processor.target is not None else []


@contextmanager
def activity_span(
    name: str, attributes: Attributes, kind: SpanKind = SpanKind.INTERNAL
) -> Iterator[Span]:
    """Open a span of an activity; an exception sets its status to error.

    The exception's text stays off the span: a provider's message may quote the prompt.
    """
    with get_tracer().start_as_current_span(
        name,
        kind=kind,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            error_type = get_error_type(error)
            span.set_attribute(ERROR_TYPE, error_type)
            span.set_status(Status(StatusCode.ERROR, error_type))
            raise


def current_span_ids() -> tuple[str | None, str | None]:
    """Return the trace and span id of the current span in hex, None without one."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None, None
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)


def get_error_type(error: BaseException) -> str:
    """Return what a span says of an exception."""
    if isinstance(error, ApplicationError) and error.type:
        return error.type
    return type(error).__name__


def _start(exporters: Exporters, mode: ContentMode, redact: Redact | None) -> None:
    try:
        processor = build_span_processor(exporters.spans, mode)
    except ValueError:
        if exporters.metrics is not None:
            exporters.metrics.shutdown()
        raise
    _install_provider()
    _state.telemetry = build_telemetry(exporters, mode, redact, _resource())
    _processor.target = processor


def _is_provider_free() -> bool:
    """Return whether our tracer provider is the process's, or can become it."""
    present = trace.get_tracer_provider()
    if isinstance(present, trace.ProxyTracerProvider) or present is _provider():
        return True
    logger.warning("this process has a tracer provider already: tracing of Forge is off")
    return False


def _install_provider() -> None:
    if trace.get_tracer_provider() is not _provider():
        trace.set_tracer_provider(_provider())


@cache
def _resource() -> Resource:
    return Resource.create({"service.name": "forge"}).merge(OTELResourceDetector().detect())


@cache
def _provider() -> trace.TracerProvider:
    provider = create_tracer_provider(resource=_resource())
    provider.add_span_processor(_processor)
    return provider
