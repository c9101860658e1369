"""Bodies in protobuf. Field numbers are those of opentelemetry/proto, which never change."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final, TypeAlias

from forge_obs.otel.otlp.batch import (
    Batch,
    Collection,
    MalformedBody,
    Unusable,
    check_ids,
    choose_event_name,
    choose_parent,
    keep_event,
)
from forge_obs.otel.otlp.wire import (
    LOG_RECORD,
    MOST_FIELDS,
    RESOURCE,
    SCOPE,
    SPAN,
    Meter,
    TornMessage,
    list_parts,
    parse,
)
from forge_obs.otel.spans import LONGEST_NAME, LogEvent, Source, SpanData, SpanEvent

_ERROR: Final = 2
_GROUPS: Final = 1
"""Field of a request that holds resources with what they sent."""

_HEAD, _MEMBERS = 1, 2
"""Fields of a resource with its scopes, and of a scope with its spans or log records."""

_LONGEST_KNOWN: Final = 100
"""How long a name may be that is remembered, in bytes."""

_Keep: TypeAlias = Callable[[memoryview, Source, Collection], None]


def read_protobuf_traces(body: bytes | bytearray) -> Batch:
    """Read an `ExportTraceServiceRequest`.

    Raises:
        MalformedBody: It is none, or was cut off.
    """
    return _read(body, _keep_span)


def read_protobuf_logs(body: bytes | bytearray) -> Batch:
    """Read an `ExportLogsServiceRequest`.

    Raises:
        MalformedBody: It is none, or was cut off.
    """
    return _read(body, _keep_log_record)


def _read(body: bytes | bytearray, keep: _Keep) -> Batch:
    collection, meter = Collection(), Meter(MOST_FIELDS)
    try:
        for group in list_parts(memoryview(body), _GROUPS, meter):
            collection.open_group()
            _read_group(group, keep, collection, meter)
    except TornMessage as error:
        raise MalformedBody(f"not an OTLP request in protobuf: {error}") from None
    return collection.finish()


def _read_group(group: memoryview, keep: _Keep, collection: Collection, meter: Meter) -> None:
    """Read what one resource sent; what cannot be read of it costs nothing of the others."""
    try:
        resource = _read_head(RESOURCE, group, meter)
        attributes = _read_attributes(resource.attributes) if resource is not None else {}
        for members in list_parts(group, _MEMBERS, meter):
            collection.open_group()
            _read_members(members, attributes, keep, collection, meter)
    except (TornMessage, Unusable) as error:
        collection.reject(error)


def _read_members(
    members: memoryview,
    resource: dict[str, object],
    keep: _Keep,
    collection: Collection,
    meter: Meter,
) -> None:
    try:
        scope = _read_head(SCOPE, members, meter)
        source = (
            Source(resource=resource)
            if scope is None
            else Source(
                _decode(scope.name)[:LONGEST_NAME], _decode(scope.version)[:LONGEST_NAME], resource
            )
        )
        for payload in list_parts(members, _MEMBERS, meter):
            try:
                collection.admit()
                keep(payload, source, collection)
            except Unusable as error:
                collection.reject(error)
    except (TornMessage, Unusable) as error:
        collection.reject(error)


def _read_head(kind: Any, message: memoryview, meter: Meter) -> Any:  # noqa: ANN401 - see wire.py
    """Return who sent the members of a message; None where it does not say so."""
    heads = list_parts(message, _HEAD, meter)
    last = None
    for last in heads:  # noqa: B007 - the last of several counts, as in any protobuf message
        pass
    return None if last is None else parse(kind, last)


def _keep_span(payload: memoryview, source: Source, collection: Collection) -> None:
    span = parse(SPAN, payload)
    trace_id, span_id = span.trace_id.hex(), span.span_id.hex()
    check_ids(trace_id, span_id)
    collection.spans.append(
        SpanData(
            trace_id=trace_id,
            span_id=span_id,
            parent_span_id=choose_parent(span.parent_span_id.hex()),
            name=_decode(span.name),
            start_ns=span.start_time_unix_nano,
            end_ns=span.end_time_unix_nano or None,
            attributes=_read_attributes(span.attributes),
            events=tuple(_read_event(event) for event in span.events),
            is_error=span.status.code == _ERROR,
            status_message=_decode(span.status.message),
            source=source,
        )
    )


def _read_event(event: Any) -> SpanEvent:  # noqa: ANN401 - see wire.py
    return SpanEvent(_decode(event.name), event.time_unix_nano, _read_attributes(event.attributes))


def _keep_log_record(payload: memoryview, source: Source, collection: Collection) -> None:
    record = parse(LOG_RECORD, payload)
    attributes = _read_attributes(record.attributes)
    event = LogEvent(
        name=choose_event_name(_decode(record.event_name), attributes),
        trace_id=record.trace_id.hex(),
        span_id=record.span_id.hex(),
        time_ns=record.time_unix_nano or record.observed_time_unix_nano,
        attributes=attributes,
        body=_read_value(record.body),
        source=source,
    )
    keep_event(event, collection)


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "replace")


@lru_cache(maxsize=4096)
def _decode_name(name: bytes) -> str:
    """Decode what a program's spans repeat; the same object is found faster in a mapping."""
    return name.decode("utf-8", "replace")


def _read_attributes(pairs: Iterable[Any]) -> dict[str, object]:
    attributes: dict[str, object] = {}
    for pair in pairs:
        key, value = pair.key, pair.value
        name = _decode_name(key) if len(key) <= _LONGEST_KNOWN else _decode(key)
        text = value.string_value  # most are texts: asking for the type takes as long again
        attributes[name] = text.decode("utf-8", "replace") if text else _read_value(value)
    return attributes


def _read_value(value: Any) -> object:  # noqa: ANN401 - see wire.py
    """Read an `AnyValue`; protobuf itself parses a hundred levels of messages and no more."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return _decode(value.string_value)
    if kind == "array_value":
        return [_read_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _read_attributes(value.kvlist_value.values)
    return None if kind is None else getattr(value, kind)
