"""Exporters of spans, metrics and events, all of one kind."""

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, cast

from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter, LogRecordExporter
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter

logger = logging.getLogger("forge.tracing")

OTLP_PACKAGES = {
    "otlp_http": "opentelemetry.exporter.otlp.proto.http",
    "otlp_grpc": "opentelemetry.exporter.otlp.proto.grpc",
}
"""Where the exporters of the optional packages are."""

EXPORTERS = ("none", "console", *OTLP_PACKAGES)
"""Values of `FORGE_OTEL_EXPORTER`."""

Signal = Literal["spans", "metrics", "events"]

SWITCHES: dict[Signal, str] = {
    "metrics": "OTEL_METRICS_EXPORTER",
    "events": "OTEL_LOGS_EXPORTER",
}
"""Standard variables by which a signal is not sent: `none`."""

OTLP_EXPORTERS: dict[Signal, str] = {
    "spans": "trace_exporter.OTLPSpanExporter",
    "metrics": "metric_exporter.OTLPMetricExporter",
    "events": "_log_exporter.OTLPLogExporter",
}
"""Their modules and classes within the packages."""

CONSOLE_EXPORTERS: dict[Signal, Callable[..., object]] = {
    "spans": ConsoleSpanExporter,
    "metrics": ConsoleMetricExporter,
    "events": ConsoleLogRecordExporter,
}


@dataclass(frozen=True, slots=True)
class Exporters:
    """Where a process sends what it tells; None for what it does not send."""

    spans: SpanExporter
    metrics: MetricReader | None = None
    events: LogRecordExporter | None = None


def build_exporters(name: str, *, has_events: bool) -> Exporters | None:
    """Build the exporters of a kind, configured by the `OTEL_*` variables.

    An unknown name and a missing package are one warning each.

    Args:
        name: One of `EXPORTERS`.
        has_events: Whether there is anything to send besides spans and metrics.

    Returns:
        None where nothing is to be sent.

    Raises:
        ValueError: A variable has a value that is none.
    """
    if name in {"", "none"}:
        return None
    if name not in EXPORTERS:
        logger.warning(
            "FORGE_OTEL_EXPORTER=%s is unknown (%s): tracing is off", name, ", ".join(EXPORTERS)
        )
        return None
    try:
        return _build_all(name, has_events=has_events)
    except ImportError:
        logger.warning(
            "FORGE_OTEL_EXPORTER=%s needs the extra %s of forge-core: tracing is off",
            name,
            name.replace("_", "-"),
        )
    return None


def _build_all(name: str, *, has_events: bool) -> Exporters:
    spans = cast("SpanExporter", _build(name, "spans"))
    metrics = None
    if _is_wanted("metrics"):
        metrics = PeriodicExportingMetricReader(_build(name, "metrics"))
    events = None
    if has_events and _is_wanted("events"):
        events = cast("LogRecordExporter", _build(name, "events"))
    return Exporters(spans, metrics, events)


def _is_wanted(signal: Signal) -> bool:
    return os.environ.get(SWITCHES[signal], "").strip().lower() != "none"


def _build(name: str, signal: Signal) -> Any:  # noqa: ANN401 - one of three classes
    if name == "console":
        return CONSOLE_EXPORTERS[signal](out=sys.stderr)
    module, _, exporter = OTLP_EXPORTERS[signal].partition(".")
    inner = getattr(import_module(f"{OTLP_PACKAGES[name]}.{module}"), exporter)()
    return _Watched(inner, signal)


class _Watched:
    """An exporter of which the first failure is told: the SDK's own log is shown to nobody."""

    def __init__(self, exporter: Any, signal: Signal) -> None:  # noqa: ANN401 - see above
        self._exporter = exporter
        self._signal = signal
        self._has_failed = False

    def export(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - see above
        """Export a batch."""
        result = self._exporter.export(*args, **options)
        if result.name != "SUCCESS" and not self._has_failed:
            self._has_failed = True
            logger.warning("%s", _explain_failure(self._signal))
        return result

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the exporter has
        return getattr(self._exporter, name)


def _explain_failure(signal: Signal) -> str:
    what = f"{signal} could not be sent: check OTEL_EXPORTER_OTLP_ENDPOINT"
    if signal in SWITCHES:
        return f"{what}, or set {SWITCHES[signal]}=none if nothing there takes {signal}"
    return what
