"""OTLP requests as senders make them, in both encodings."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

if sys.version_info >= (3, 14):
    from compression.zstd import compress as compress_zstd
else:
    from backports.zstd import compress as compress_zstd

__all__ = ["compress_zstd"]

TRACE_ID = "5b8efff798038103d269b633813fc60c"
SPAN_ID = "eee19b7ec3c1b174"
START_NS = 1_790_000_000_000_000_000
LATENCY_NS = 1_500_000_000

CHAT: Mapping[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 34,
}
"""What a span tells of a request to a model."""


def make_value(value: object) -> AnyValue:
    """Make a value of protobuf of one of Python's."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    if isinstance(value, list):
        made = AnyValue()
        made.array_value.values.extend([make_value(item) for item in value])
        return made
    if isinstance(value, dict):
        made = AnyValue()
        made.kvlist_value.values.extend(make_pairs(value))
        return made
    return AnyValue() if value is None else AnyValue(string_value=str(value))


def make_pairs(values: Mapping[str, object]) -> list[KeyValue]:
    """Make attributes."""
    return [KeyValue(key=key, value=make_value(value)) for key, value in values.items()]


def make_span(
    attributes: Mapping[str, object] = CHAT,
    *,
    trace_id: str = TRACE_ID,
    span_id: str | None = None,
    parent: str = "",
    **fields: Any,
) -> Span:
    """Make a span of a request, with an id of its own where none is given."""
    return Span(
        trace_id=bytes.fromhex(trace_id),
        span_id=os.urandom(8) if span_id is None else bytes.fromhex(span_id),
        parent_span_id=bytes.fromhex(parent),
        name=fields.pop("name", "chat gpt-4o"),
        start_time_unix_nano=fields.pop("start_ns", START_NS),
        end_time_unix_nano=fields.pop("end_ns", START_NS + LATENCY_NS),
        attributes=make_pairs(attributes),
        **fields,
    )


def make_request(
    spans: Sequence[Span], *, service: str = "my-app", scope: str = "library"
) -> ExportTraceServiceRequest:
    """Make a request of one program."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend(make_pairs({"service.name": service}))
    members = group.scope_spans.add()
    members.scope.name = scope
    members.scope.version = "1.2"
    members.spans.extend(spans)
    return request


def make_body(*spans: Span, service: str = "my-app") -> bytes:
    """Make a body in protobuf."""
    return make_request(spans or [make_span()], service=service).SerializeToString()


def make_event_body(name: str, attributes: Mapping[str, object], **fields: Any) -> bytes:
    """Make a body of one log record in protobuf; ids as bytes."""
    request = ExportLogsServiceRequest()
    record = (
        request.resource_logs.add()
        .scope_logs.add()
        .log_records.add(event_name=name, attributes=make_pairs(attributes), **fields)
    )
    record.observed_time_unix_nano = START_NS
    return request.SerializeToString()


def make_json_value(value: object) -> dict[str, Any]:
    """Make a value as Node's exporter writes it."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": value}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [make_json_value(item) for item in value]}}
    return {"stringValue": value}


def make_json_span(attributes: Mapping[str, object] = CHAT, **fields: Any) -> dict[str, Any]:
    """Make a span as Node's exporter writes it; fields override."""
    return {
        "traceId": TRACE_ID,
        "spanId": os.urandom(8).hex(),
        "name": "chat gpt-4o",
        "kind": 3,
        "startTimeUnixNano": str(START_NS),
        "endTimeUnixNano": str(START_NS + LATENCY_NS),
        "attributes": [
            {"key": key, "value": make_json_value(value)} for key, value in attributes.items()
        ],
        "status": {},
        **fields,
    }


def make_json_body(*spans: object, service: str = "my-app") -> bytes:
    """Make a body in JSON."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    members = {"scope": {"name": "library", "version": "1.2"}, "spans": list(spans)}
    request = {"resourceSpans": [{"resource": resource, "scopeSpans": [members]}]}
    return json.dumps(request).encode()
