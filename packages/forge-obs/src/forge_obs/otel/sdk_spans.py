"""What the SDK of OpenTelemetry hands over, as plain values."""

from collections.abc import Mapping
from typing import Final

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, StatusCode

from forge_obs.otel.spans import Attributes, LogEvent, Source, SpanData, SpanEvent

UNKNOWN_SERVICE: Final = "unknown_service"
"""What the SDK calls a program, with its interpreter, where nobody names it."""

EVENT_NAME: Final = "event.name"
"""Where older versions put the name of an event."""


def read_span(span: ReadableSpan) -> SpanData:
    """Return a span, open or ended, as it is now; whoever has it may go on writing to it."""
    context = span.get_span_context()
    return SpanData(
        *format_ids(context),
        format_span_id(span.parent),
        span.name,
        span.start_time or 0,
        span.end_time,
        copy_attributes(span.attributes),
        tuple(
            SpanEvent(event.name, event.timestamp, copy_attributes(event.attributes))
            for event in span.events
        ),
        span.status.status_code is StatusCode.ERROR,
        span.status.description or "",
        read_source(span.instrumentation_scope, span.resource),
    )


def read_log(record: object) -> LogEvent | None:
    """Return what was logged, where it is a named event of a span, else None.

    Args:
        record: What a log exporter is given, in whichever version of the SDK.
    """
    log = getattr(record, "log_record", record)
    attributes = copy_attributes(getattr(log, "attributes", None))
    name = getattr(log, "event_name", None) or attributes.get(EVENT_NAME)
    trace_id, span_id = getattr(log, "trace_id", None), getattr(log, "span_id", None)
    if not name or not trace_id or not span_id:
        return None
    resource = getattr(record, "resource", None) or getattr(log, "resource", None)
    return LogEvent(
        str(name),
        f"{trace_id:032x}",
        f"{span_id:016x}",
        getattr(log, "timestamp", None) or getattr(log, "observed_timestamp", None) or 0,
        attributes,
        getattr(log, "body", None),
        read_source(getattr(record, "instrumentation_scope", None), resource),
    )


def copy_attributes(attributes: Mapping[str, object] | None) -> Attributes:
    """Return attributes that nobody else writes to."""
    copy = getattr(attributes, "copy", None)  # in one go, where a span is still written to
    return (dict(attributes) if copy is None else copy()) if attributes else {}


def format_ids(context: SpanContext | None) -> tuple[str, str]:
    """Return the hexadecimal ids of a trace and a span."""
    if context is None:
        return "0" * 32, "0" * 16
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def format_span_id(context: SpanContext | None) -> str | None:
    """Return the hexadecimal id of a span, None where there is none."""
    return None if context is None else f"{context.span_id:016x}"


def read_source(scope: InstrumentationScope | None, resource: Resource | None) -> Source:
    """Return what wrote a span, and for which program, if that has a name of its own."""
    attributes: Attributes = {} if resource is None else resource.attributes
    if str(attributes.get(SERVICE_NAME, "")).startswith(UNKNOWN_SERVICE):
        attributes = {name: value for name, value in attributes.items() if name != SERVICE_NAME}
    if scope is None:
        return Source(resource=attributes)
    return Source(scope.name, scope.version or "", attributes)
