"""What a process tells of its calls while tracing is on, and the providers that it tells by.

See D98.
"""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from opentelemetry._logs import Logger
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from forge_core.tracing.content import DROPPED, ContentMode, Redact, encodable, parse_content_mode
from forge_core.tracing.exporters import Exporters
from forge_core.tracing.metrics import RequestMeter

logger = logging.getLogger("forge.tracing")

SCOPE = "forge"
"""Name of the instrumentation: `forge receive` skips what comes from it, which is on record."""

CAPTURE_VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""The standard variable that says where prompts and answers go."""

BOUND_VARIABLES = ("OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE")

QUEUE_LENGTH, BATCH_LENGTH = 512, 16
"""Spans or events that wait and that are sent at once where they carry prompts.

A prompt may have 400 kB, about every sixth span is a call, and receivers take 4 MB by gRPC.
"""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What this process tells besides the bare spans, and to whom."""

    mode: ContentMode
    redact: Redact
    """What texts pass before they leave."""
    meter: RequestMeter | None = None
    events: Logger | None = None
    closers: tuple[tuple[str, Callable[[], object]], ...] = ()
    """What ends each signal, under its name."""
    _names: dict[str, str] = field(default_factory=dict)

    def redact_text(self, text: str) -> str:
        """Return a text without what must not leave; it is for a thread, as hooks take time."""
        try:
            redacted = self.redact(text) if text else text
        except Exception:  # it is foreign code, and no call may fail for it
            redacted = None
        return DROPPED if redacted is None else encodable(redacted)

    def redact_model(self, spec: str) -> str:
        """Return `provider:name` without what must not leave; the provider's word is no secret."""
        shown = self.redact_name(spec)
        return f"{spec.partition(':')[0]}:{shown}" if shown == DROPPED else shown

    def redact_name(self, name: str) -> str:
        """Return a model's name without what must not leave; the hook sees each name once."""
        if name not in self._names:
            self._names[name] = self.redact_text(name)
        return self._names[name]


def read_content_mode(*, has_redact: bool) -> ContentMode:
    """Read the standard variable; a value that it does not have is a warning.

    Args:
        has_redact: Whether there is something that takes out what must not leave. Without, nothing
            leaves.
    """
    value = os.environ.get(CAPTURE_VARIABLE, "")
    mode = parse_content_mode(value)
    if mode is None:
        names = ", ".join(mode.value.upper() for mode in ContentMode)
        logger.warning("%s=%s is unknown (%s): prompts stay here", CAPTURE_VARIABLE, value, names)
        return ContentMode.NO_CONTENT
    if mode is not ContentMode.NO_CONTENT and not has_redact:
        logger.warning(
            "%s=%s, but this program has not said what takes secrets out: prompts stay here "
            "(call init_tracing with redact=forge_obs.redact_text)",
            CAPTURE_VARIABLE,
            value,
        )
        return ContentMode.NO_CONTENT
    return mode


def build_span_processor(exporter: SpanExporter, mode: ContentMode) -> BatchSpanProcessor:
    """Build what sends spans, in smaller batches where they carry prompts."""
    if mode.on_span and not any(name in os.environ for name in BOUND_VARIABLES):
        return BatchSpanProcessor(
            exporter, max_queue_size=QUEUE_LENGTH, max_export_batch_size=BATCH_LENGTH
        )
    return BatchSpanProcessor(exporter)


def build_telemetry(
    exporters: Exporters, mode: ContentMode, redact: Redact | None, resource: Resource
) -> Telemetry:
    """Build providers of our own: the process's may be its host's, and are set once for all."""
    meter, events = None, None
    closers: list[tuple[str, Callable[[], object]]] = []
    if exporters.metrics is not None:
        meters = MeterProvider([exporters.metrics], resource)
        meter = RequestMeter(meters.get_meter(SCOPE))
        closers.append(("metrics", meters.shutdown))
    if exporters.events is not None and mode.in_event:
        loggers = LoggerProvider(resource)
        processor = BatchLogRecordProcessor(
            exporters.events, max_queue_size=QUEUE_LENGTH, max_export_batch_size=BATCH_LENGTH
        )
        loggers.add_log_record_processor(processor)
        events = loggers.get_logger(SCOPE)
        closers.append(("events", loggers.shutdown))
    return Telemetry(mode, redact or _leave, meter, events, tuple(closers))


def _leave(text: str) -> str | None:
    return text
