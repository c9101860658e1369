"""Bodies of OpenTelemetry's protocol, OTLP, as spans and events, and the answers to them.

Pure: bytes in, values out. What is good in a body is kept, span by span; what is not is counted
with its reason, for the sender. See D96.
"""

from forge_obs.otel.otlp.answers import Signal, encode_acceptance, encode_failure
from forge_obs.otel.otlp.batch import Batch, MalformedBody
from forge_obs.otel.otlp.json_body import read_json_logs, read_json_traces
from forge_obs.otel.otlp.protobuf_body import read_protobuf_logs, read_protobuf_traces

__all__ = [
    "Batch",
    "MalformedBody",
    "Signal",
    "encode_acceptance",
    "encode_failure",
    "read_logs",
    "read_traces",
]


def read_traces(body: bytes | bytearray, *, is_json: bool) -> Batch:
    """Read an `ExportTraceServiceRequest`.

    Raises:
        MalformedBody: It is none, or was cut off.
    """
    return read_json_traces(body) if is_json else read_protobuf_traces(body)


def read_logs(body: bytes | bytearray, *, is_json: bool) -> Batch:
    """Read an `ExportLogsServiceRequest`; log records that name no event are left out.

    Raises:
        MalformedBody: It is none, or was cut off.
    """
    return read_json_logs(body) if is_json else read_protobuf_logs(body)
