"""Requests to models as keywords of `record("interaction")`, from whatever convention tells them.

Pure: values in, values out, and nothing in a span raises. Read are OpenTelemetry's `gen_ai.*` in
its present and older forms, OpenInference's `llm.*`, Traceloop's and those of Vercel's AI SDK.
`docs/reference/spans-read.md` says what becomes of each attribute. See D94.
"""

from forge_obs.otel.conventions.read import (
    complete,
    read_event,
    read_events,
    read_request,
)
from forge_obs.otel.conventions.requests import is_request

__all__ = ["complete", "is_request", "read_event", "read_events", "read_request"]
