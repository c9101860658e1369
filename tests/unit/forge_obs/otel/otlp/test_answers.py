"""Answers are what OpenTelemetry's own messages say, in the encoding of the question."""

import orjson
import pytest
from forge_obs.otel import Signal, encode_acceptance, encode_failure
from google.protobuf.json_format import Parse
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

TYPES: dict[Signal, type[Message]] = {
    "traces": ExportTraceServiceResponse,
    "logs": ExportLogsServiceResponse,
    "metrics": ExportMetricsServiceResponse,
}


@pytest.mark.parametrize("signal", TYPES)
def test_a_body_that_was_taken_is_acknowledged_without_a_word(signal: Signal) -> None:
    assert encode_acceptance(signal, 0, "", is_json=False) == b""
    assert encode_acceptance(signal, 0, "", is_json=True) == b"{}"


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_what_was_rejected_is_told_in_both_encodings(signal: Signal) -> None:
    in_protobuf, in_json = TYPES[signal](), TYPES[signal]()
    in_protobuf.ParseFromString(encode_acceptance(signal, 3, "why", is_json=False))
    Parse(encode_acceptance(signal, 3, "why", is_json=True), in_json)

    assert in_protobuf == in_json
    assert "why" in str(in_json)
    assert "3" in str(in_json)


def test_a_failure_is_a_status_of_grpc() -> None:
    assert orjson.loads(encode_failure(8, "too large", is_json=True)) == {
        "code": 8,
        "message": "too large",
    }
    # google/rpc/status.proto: field 1 is the code, field 2 the message.
    assert encode_failure(8, "too large", is_json=False) == b"\x08\x08\x12\x09too large"
