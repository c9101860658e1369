"""Calls of a program that speaks OpenTelemetry already, on record without a changed line.

Each name is imported at first use. What reads OTLP's bodies needs the extra `forge-obs[otlp]`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forge_obs.otel.otlp import (
        Batch,
        MalformedBody,
        Signal,
        encode_acceptance,
        encode_failure,
        read_logs,
        read_traces,
    )
    from forge_obs.otel.spans import LogEvent, Source, SpanData, SpanEvent

__all__ = [
    "Batch",
    "LogEvent",
    "MalformedBody",
    "Signal",
    "Source",
    "SpanData",
    "SpanEvent",
    "encode_acceptance",
    "encode_failure",
    "read_logs",
    "read_traces",
]

_HOMES = {
    "Batch": "otlp",
    "LogEvent": "spans",
    "MalformedBody": "otlp",
    "Signal": "otlp",
    "Source": "spans",
    "SpanData": "spans",
    "SpanEvent": "spans",
    "encode_acceptance": "otlp",
    "encode_failure": "otlp",
    "read_logs": "otlp",
    "read_traces": "otlp",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'forge_obs.otel' has no attribute {name!r}")
        return getattr(import_module(f"forge_obs.otel.{_HOMES[name]}"), name)
