"""Calls of a program that speaks OpenTelemetry already, on record without a changed line.

Each name is imported at first use. What instruments this process needs the extra `forge-obs[otel]`,
and what reads OTLP's bodies `forge-obs[otlp]`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forge_obs.otel.calls.packing import pack
    from forge_obs.otel.completion_hook import ForgeCompletionHook
    from forge_obs.otel.exporter import ForgeSpanExporter
    from forge_obs.otel.log_exporter import ForgeLogExporter
    from forge_obs.otel.otlp import (
        Batch,
        MalformedBody,
        Signal,
        encode_acceptance,
        encode_failure,
        read_logs,
        read_traces,
    )
    from forge_obs.otel.processor import ForgeSpanProcessor
    from forge_obs.otel.span_recorder import SpanRecorder
    from forge_obs.otel.spans import LogEvent, Source, SpanData, SpanEvent

__all__ = [
    "Batch",
    "ForgeCompletionHook",
    "ForgeLogExporter",
    "ForgeSpanExporter",
    "ForgeSpanProcessor",
    "LogEvent",
    "MalformedBody",
    "Signal",
    "Source",
    "SpanData",
    "SpanEvent",
    "SpanRecorder",
    "encode_acceptance",
    "encode_failure",
    "pack",
    "read_logs",
    "read_traces",
]

_HOMES = {
    "Batch": "otlp",
    "ForgeCompletionHook": "completion_hook",
    "ForgeLogExporter": "log_exporter",
    "ForgeSpanExporter": "exporter",
    "ForgeSpanProcessor": "processor",
    "LogEvent": "spans",
    "MalformedBody": "otlp",
    "Signal": "otlp",
    "Source": "spans",
    "SpanData": "spans",
    "SpanEvent": "spans",
    "SpanRecorder": "span_recorder",
    "encode_acceptance": "otlp",
    "encode_failure": "otlp",
    "pack": "calls.packing",
    "read_logs": "otlp",
    "read_traces": "otlp",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'forge_obs.otel' has no attribute {name!r}")
        home = _HOMES[name]
        try:
            return getattr(import_module(f"forge_obs.otel.{home}"), name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in {"google", "opentelemetry"}:
                raise
            extra, package = ("otlp", "proto") if home == "otlp" else ("otel", "sdk")
            raise ImportError(
                f"forge_obs.otel.{name} needs the extra {extra} of forge-obs:"
                f" pip install opentelemetry-{package}"
            ) from error
