"""Spans and events as whatever instrumented a program told them; plain values, from any source.

Attributes hold what OpenTelemetry's `AnyValue` can: text, flags, numbers, bytes, lists and mappings
of these. Nothing here is trusted: texts are of any length, times of any year.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Attributes: TypeAlias = Mapping[str, object]

INSTANCE: Final = "service.instance.id"
"""The attribute of a resource that tells one process from others of the same program."""

LONGEST_NAME: Final = 300
"""How much is kept of the name of whatever told of spans, in characters."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where spans come from.

    Attributes:
        scope: Name of the instrumentation scope, such as `opentelemetry.instrumentation.openai_v2`.
        scope_version: Empty where it is not told.
        resource: Attributes of the program: `service.name` and others.
    """

    scope: str = ""
    scope_version: str = ""
    resource: Attributes = field(default_factory=dict, repr=False)

    @property
    def instance(self) -> str:
        """What tells one process from others of its program; empty where that is not told."""
        name = self.resource.get(INSTANCE)
        return name[:LONGEST_NAME] if isinstance(name, str) else ""


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """What happened within a span.

    Attributes:
        time_ns: Nanoseconds since 1970, UTC.
    """

    name: str
    time_ns: int
    attributes: Attributes = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class SpanData:
    """A span, open or ended.

    Attributes:
        trace_id: 32 hexadecimal digits, lower case.
        span_id: 16 hexadecimal digits, lower case.
        parent_span_id: None for the root of a trace.
        start_ns: Nanoseconds since 1970, UTC.
        end_ns: None while it is open.
        is_error: Whether its status says so.
        status_message: What the status says besides; empty if nothing.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    start_ns: int
    end_ns: int | None = None
    attributes: Attributes = field(default_factory=dict, repr=False)
    events: Sequence[SpanEvent] = field(default=(), repr=False)
    is_error: bool = False
    status_message: str = field(default="", repr=False)
    source: Source = Source()


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A log record that names an event and the span that it belongs to.

    Attributes:
        name: Such as `gen_ai.client.inference.operation.details`.
        trace_id: 32 hexadecimal digits, lower case.
        span_id: 16 hexadecimal digits, lower case.
        time_ns: Nanoseconds since 1970, UTC.
        body: What the record says; older events put their message here.
    """

    name: str
    trace_id: str
    span_id: str
    time_ns: int
    attributes: Attributes = field(default_factory=dict, repr=False)
    body: object = field(default=None, repr=False)
    source: Source = Source()
