"""What a sender is told, in the encoding that it sent."""

from typing import Any, Final, Literal, TypeAlias

import orjson
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

Signal: TypeAlias = Literal["traces", "logs", "metrics"]


def _build_status() -> Any:  # noqa: ANN401 - made while the program runs
    """Build `google.rpc.Status` without its details; the package that has it has much more."""
    file = FileDescriptorProto(name="forge_obs/status.proto", package="google.rpc", syntax="proto3")
    message = file.message_type.add(name="Status")
    kinds = (FieldDescriptorProto.TYPE_INT32, FieldDescriptorProto.TYPE_STRING)
    for number, (name, kind) in enumerate(zip(("code", "message"), kinds, strict=True), 1):
        message.field.add(
            name=name, number=number, type=kind, label=FieldDescriptorProto.LABEL_OPTIONAL
        )
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("google.rpc.Status"))


_STATUS: Final = _build_status()


def encode_acceptance(signal: Signal, rejected: int, reason: str, *, is_json: bool) -> bytes:
    """Encode the answer to a body that was taken, as a whole or but for `rejected` of its parts."""
    if not rejected:
        return b"{}" if is_json else b""
    if is_json:
        name = "rejectedSpans" if signal == "traces" else "rejectedLogRecords"
        return orjson.dumps({"partialSuccess": {name: str(rejected), "errorMessage": reason}})
    answer: ExportTraceServiceResponse | ExportLogsServiceResponse
    if signal == "traces":
        answer = ExportTraceServiceResponse()
        answer.partial_success.rejected_spans = rejected
    else:
        answer = ExportLogsServiceResponse()
        answer.partial_success.rejected_log_records = rejected
    answer.partial_success.error_message = reason
    return answer.SerializeToString()


def encode_failure(code: int, message: str, *, is_json: bool) -> bytes:
    """Encode a `google.rpc.Status`.

    Args:
        code: As gRPC numbers failures.
        message: One line.
        is_json: Whether in JSON, else in protobuf.
    """
    if is_json:
        return orjson.dumps({"code": code, "message": message})
    encoded: bytes = _STATUS(code=code, message=message).SerializeToString()
    return encoded
