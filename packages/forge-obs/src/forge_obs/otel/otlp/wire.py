"""OTLP's protobuf messages, read so that one bad part costs no good one.

The classes that OpenTelemetry publishes take a body whole or not at all: a prompt that its sender
cut within a character of UTF-8 would cost each span beside it. So the messages around the spans are
walked here, without making anything of them, and a span is parsed by itself, by classes
that come from the published descriptions with bytes in place of text.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from forge_obs.otel.otlp.batch import Unusable

LARGEST: Final = 16_000_000
"""Bytes of one span."""

SUSPICIOUS: Final = 100_000
"""Bytes from which on a span's values are counted before it is parsed.

An empty one is two bytes of the body, and takes thirty times as much memory.
"""

MOST_VALUES: Final = 50_000
"""Fields that a span may have at all levels; senders tell some hundreds."""

MOST_FIELDS: Final = 2_000_000
"""Fields around the spans of a body, those that nobody knows included: several times what a body
of the most spans has."""

_LEVELS: Final = 100
"""As many as protobuf parses."""

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT: Final = 10


class TornMessage(ValueError):
    """A message ends within a field, is none, or has more fields than are read."""


class Meter:
    """Counts the fields of messages that belong together.

    Args:
        most: How many there may be.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.left = most


def _build_pool() -> DescriptorPool:
    pool = DescriptorPool()
    for module in (common_pb2, resource_pb2, trace_pb2, logs_pb2):
        file = FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        _replace_text(file.message_type)
        pool.Add(file)
    return pool


def _replace_text(messages: Iterable[DescriptorProto]) -> None:
    """Declare texts as bytes, which are the same on the wire and need not be UTF-8."""
    for message in messages:
        for field in message.field:
            if field.type == FieldDescriptorProto.TYPE_STRING:
                field.type = FieldDescriptorProto.TYPE_BYTES
        _replace_text(message.nested_type)


_POOL: Final = _build_pool()


def _find_class(name: str) -> Any:  # noqa: ANN401 - made while the program runs
    return GetMessageClass(_POOL.FindMessageTypeByName(f"opentelemetry.proto.{name}"))


SPAN: Final = _find_class("trace.v1.Span")
LOG_RECORD: Final = _find_class("logs.v1.LogRecord")
RESOURCE: Final = _find_class("resource.v1.Resource")
SCOPE: Final = _find_class("common.v1.InstrumentationScope")

_Holders: TypeAlias = Mapping[int, "_Holders"]
"""Fields of a message that hold messages, with those of these."""


def _describe_holders() -> Mapping[Any, _Holders]:
    """Return where values are, by the kind of message."""
    value: dict[int, _Holders] = {}
    pair = {2: value}
    value |= {5: {1: value}, 6: {1: pair}}  # a list, a mapping
    return {
        SPAN: {9: pair, 11: {3: pair}, 13: {4: pair}},  # its own, its events', its links'
        LOG_RECORD: {5: value, 6: pair},
        RESOURCE: {1: pair},
        SCOPE: {3: pair},
    }


_HOLDERS: Final = _describe_holders()


def parse(kind: Any, payload: memoryview) -> Any:  # noqa: ANN401 - as above
    """Parse one message.

    Raises:
        Unusable: It is none of that kind, too large, or has more values than memory is kept for.
    """
    if len(payload) > LARGEST:
        raise Unusable(f"larger than {LARGEST // 1_000_000} MB")
    try:
        if len(payload) > SUSPICIOUS:
            _count_values(payload, _HOLDERS[kind], Meter(MOST_VALUES), _LEVELS)
        return kind.FromString(payload)
    except TornMessage as error:
        raise Unusable(str(error)) from None
    except DecodeError:
        raise Unusable("not a valid message") from None


def _count_values(message: memoryview, holders: _Holders, meter: Meter, levels: int) -> None:
    """Count the fields of a message, and of those within it that hold values.

    Raises:
        Unusable: There are too many levels of them.
        TornMessage: It is no message, or has too many fields.
    """
    if not levels:
        raise Unusable("not a valid message")
    for number, part in _list_fields(message, meter):
        if number in holders:
            _count_values(part, holders[number], meter, levels - 1)


def list_parts(message: memoryview, number: int, meter: Meter) -> Iterator[memoryview]:
    """Yield the messages in a field of a message, one after the other.

    Raises:
        TornMessage: It ends within a field, is none, or has too many fields.
    """
    return (part for field, part in _list_fields(message, meter) if field == number)


def _list_fields(message: memoryview, meter: Meter) -> Iterator[tuple[int, memoryview]]:
    """Yield the texts, bytes and messages in a message, each with the number of its field.

    Raises:
        TornMessage: It ends within a field, is none, or has too many fields.
    """
    position, end = 0, len(message)
    while position < end:
        meter.left -= 1
        if meter.left < 0:
            raise TornMessage(f"more than {meter.most} fields")
        tag, position = _read_varint(message, position)
        kind = tag & 7
        if kind == _LENGTH:
            size, position = _read_varint(message, position)
            start, position = position, position + size
            if position <= end:
                yield tag >> 3, message[start:position]
        elif kind == _VARINT:
            _, position = _read_varint(message, position)
        elif kind in {_FIXED64, _FIXED32}:
            position += 8 if kind == _FIXED64 else 4
        else:
            raise TornMessage("no protobuf message")
        if position > end or not tag >> 3:
            raise TornMessage("a message ends within a field")


def _read_varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    for byte in message[position : position + _LONGEST_VARINT]:
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise TornMessage("a message ends within a number")
