"""Spans and events as libraries really make them, recorded from requests to a loopback server.

The files below `otel_spans/` name the libraries and their versions. Each holds requests by what
they show, such as `chat_tool_result`. Addresses, paths and stack traces are left out, and so are
all but a few events of a span; ids are numbered.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from forge_obs.model.entries import build_interaction
from forge_obs.otel.spans import LogEvent, Source, SpanData, SpanEvent

DIRECTORY = Path(__file__).with_name("otel_spans")
SERVICE = "weather"
"""The program that made them."""


def list_libraries() -> list[str]:
    """List the names of the files."""
    return sorted(path.stem for path in DIRECTORY.glob("*.json"))


@cache
def _load(library: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads((DIRECTORY / f"{library}.json").read_text())
    return document


def list_requests(library: str) -> list[str]:
    """List what is recorded of a library."""
    return list(_load(library)["requests"])


def load_spans(library: str, request: str) -> list[SpanData]:
    """Load the spans of a request, in the order of their starts."""
    return [_build_span(span) for span in _load(library)["requests"][request]["spans"]]


def load_events(library: str, request: str) -> list[LogEvent]:
    """Load the events of a request that came as log records."""
    return [_build_event(e) for e in _load(library)["requests"][request].get("events", [])]


def _build_span(span: Mapping[str, Any]) -> SpanData:
    return SpanData(
        span["trace_id"],
        span["span_id"],
        span.get("parent_span_id"),
        span["name"],
        span["start_ns"],
        span.get("end_ns"),
        span["attributes"],
        [SpanEvent(e["name"], e["time_ns"], e["attributes"]) for e in span.get("events", [])],
        span.get("is_error", False),
        span.get("status_message", ""),
        _build_source(span),
    )


def _build_event(event: Mapping[str, Any]) -> LogEvent:
    return LogEvent(
        event["name"],
        event["trace_id"],
        event["span_id"],
        event["time_ns"],
        event["attributes"],
        event.get("body"),
        _build_source(event),
    )


def _build_source(told: Mapping[str, Any]) -> Source:
    return Source(told["scope"], told.get("scope_version", ""), {"service.name": SERVICE})


def build_row(fields: Mapping[str, object]) -> dict[str, Any]:
    """Build the row and the facts that the store would hold of keywords of `record()`."""
    entry = build_interaction(fields, entry_id="entry", now="2026-01-01T00:00:00.000000Z")
    assert not entry.unknown
    return {**entry.row, **entry.facts}
