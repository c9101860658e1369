"""Bodies in JSON, in the protocol's own form of protobuf's mapping.

Ids are hexadecimal, not base64. Whole numbers of 64 bits are texts or numbers, enumerations numbers
or names, bytes base64; fields that are not known are ignored.
"""

import binascii
import json
import math
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import orjson

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
from forge_obs.otel.spans import LONGEST_NAME, LogEvent, Source, SpanData, SpanEvent

MOST_VALUES: Final = 8_000_000
"""Commas and opening brackets of a body, those in its texts included: it has no more values."""

DEEPEST: Final = 60
"""Levels of lists and mappings in an attribute."""

_ERROR: Final = (2, "STATUS_CODE_ERROR")
_LONGEST_NUMBER: Final = 32
_OPENING: Final = (b",", b"{", b"[")

_Object: TypeAlias = Mapping[str, Any]
_Keep: TypeAlias = Callable[[_Object, Source, Collection], None]


def read_json_traces(body: bytes | bytearray) -> Batch:
    """Read an `ExportTraceServiceRequest`.

    Raises:
        MalformedBody: It is none, or was cut off.
    """
    return _read(body, ("resourceSpans", "scopeSpans", "spans"), _keep_span)


def read_json_logs(body: bytes | bytearray) -> Batch:
    """Read an `ExportLogsServiceRequest`.

    Raises:
        MalformedBody: It is none, or was cut off.
    """
    return _read(body, ("resourceLogs", "scopeLogs", "logRecords"), _keep_log_record)


def _read(body: bytes | bytearray, fields: tuple[str, str, str], keep: _Keep) -> Batch:
    collection = Collection()
    request = _parse(body)
    if not isinstance(request, dict):
        raise MalformedBody("not an OTLP request in JSON: no object")
    groups, scopes, members = fields
    for group in _list_objects(request, groups, collection):
        collection.open_group()
        resource = _read_attributes_or_none(group.get("resource"), collection)
        for scope in _list_objects(group, scopes, collection):
            collection.open_group()
            source = _read_source(scope.get("scope"), resource)
            for member in _list_objects(scope, members, collection):
                try:
                    collection.admit()
                    keep(member, source, collection)
                except Unusable as error:
                    collection.reject(error)
    return collection.finish()


def _parse(body: bytes | bytearray) -> object:
    """Parse a body, also what only Python's own parser takes: NaN, halves of surrogate pairs.

    Raises:
        MalformedBody: It is no JSON, or would take too much memory.
    """
    if sum(map(body.count, _OPENING)) > MOST_VALUES:
        raise MalformedBody(f"more than {MOST_VALUES} values in one body")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        raise MalformedBody("not an OTLP request in JSON: no JSON, or cut off") from None


def _list_objects(holder: _Object, name: str, collection: Collection) -> Iterator[_Object]:
    """Yield the objects of a list in a field; what is none is rejected."""
    values = holder.get(name)
    for value in [] if values is None else values if isinstance(values, list) else [None]:
        if isinstance(value, dict):
            yield value
        else:
            collection.reject(f"{name} is not a list of objects")


def _read_attributes_or_none(resource: object, collection: Collection) -> dict[str, object]:
    """Read the attributes of a resource; its spans are kept without those that are bad."""
    try:
        return _read_attributes(resource) if isinstance(resource, dict) else {}
    except Unusable as error:
        collection.reject(f"resource: {error}")
        return {}


def _read_source(scope: object, resource: dict[str, object]) -> Source:
    if not isinstance(scope, dict):
        return Source(resource=resource)
    name, version = (_read_text(scope, key)[:LONGEST_NAME] for key in ("name", "version"))
    return Source(name, version, resource)


def _keep_span(span: _Object, source: Source, collection: Collection) -> None:
    trace_id, span_id = _read_id(span, "traceId"), _read_id(span, "spanId")
    check_ids(trace_id, span_id)
    status = span.get("status")
    status = status if isinstance(status, dict) else {}
    events = span.get("events")
    collection.spans.append(
        SpanData(
            trace_id=trace_id,
            span_id=span_id,
            parent_span_id=choose_parent(_read_id(span, "parentSpanId")),
            name=_read_text(span, "name"),
            start_ns=_read_time(span, "startTimeUnixNano"),
            end_ns=_read_time(span, "endTimeUnixNano") or None,
            attributes=_read_attributes(span),
            events=tuple(
                _read_event(event)
                for event in (events if isinstance(events, list) else ())
                if isinstance(event, dict)
            ),
            is_error=status.get("code") in _ERROR,
            status_message=_read_text(status, "message"),
            source=source,
        )
    )


def _read_event(event: _Object) -> SpanEvent:
    return SpanEvent(
        _read_text(event, "name"), _read_time(event, "timeUnixNano"), _read_attributes(event)
    )


def _keep_log_record(record: _Object, source: Source, collection: Collection) -> None:
    attributes = _read_attributes(record)
    event = LogEvent(
        name=choose_event_name(_read_text(record, "eventName"), attributes),
        trace_id=_read_id(record, "traceId"),
        span_id=_read_id(record, "spanId"),
        time_ns=_read_time(record, "timeUnixNano") or _read_time(record, "observedTimeUnixNano"),
        attributes=attributes,
        body=_read_value(record.get("body")),
        source=source,
    )
    keep_event(event, collection)


def _read_text(holder: _Object, name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _read_id(holder: _Object, name: str) -> str:
    return _read_text(holder, name).lower()


def _read_time(holder: _Object, name: str) -> int:
    """Read nanoseconds since 1970; 0 where none are told.

    Raises:
        Unusable: They are no whole number that is not negative.
    """
    time_ns = _read_whole(holder.get(name, 0))
    if time_ns is None or not 0 <= time_ns < 2**64:
        raise Unusable(f"{name} is no time in nanoseconds")
    return time_ns


def _read_whole(value: object) -> int | None:
    """Read a number of 64 bits, which JSON has as text, since its own are less exact."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
        return None
    try:
        return int(value)
    except (OverflowError, ValueError):
        return None


def _read_attributes(
    holder: _Object, name: str = "attributes", depth: int = 0
) -> dict[str, object]:
    """Read attributes; a pair without a key is none."""
    pairs = holder.get(name)
    return {
        pair["key"]: _read_value(pair.get("value"), depth)
        for pair in (pairs if isinstance(pairs, list) else ())
        if isinstance(pair, dict) and isinstance(pair.get("key"), str)
    }


def _read_value(value: object, depth: int = 0) -> object:
    """Read an `AnyValue`, whose one field says its type; None for one without a value.

    Raises:
        Unusable: It has too many levels, or is not of the type that it names.
    """
    if not isinstance(value, dict):
        return None
    for kind, content in value.items():
        read = _READERS.get(kind)
        if read is not None and content is not None:
            return read(content, depth)
    return None


def _read_array(content: object, depth: int) -> list[object]:
    values = _open(content, depth).get("values")
    return [_read_value(v, depth + 1) for v in (values if isinstance(values, list) else ())]


def _read_mapping(content: object, depth: int) -> dict[str, object]:
    return _read_attributes(_open(content, depth), "values", depth + 1)


def _open(content: object, depth: int) -> _Object:
    if depth >= DEEPEST:
        raise Unusable(f"attributes of more than {DEEPEST} levels")
    return content if isinstance(content, dict) else {}


def _read_string(content: object, _depth: int) -> str:
    return content if isinstance(content, str) else str(content)


def _read_flag(content: object, _depth: int) -> bool:
    return content is True or content == "true"


def _read_integer(content: object, _depth: int) -> int:
    whole = _read_whole(content)
    if whole is None:
        raise Unusable("intValue is no whole number")
    return whole


def _read_float(content: object, _depth: int) -> float:
    """Read a number, or the names that protobuf has for what JSON has none for."""
    try:
        return float(content) if isinstance(content, int | float | str) else math.nan
    except (OverflowError, ValueError):
        raise Unusable("doubleValue is no number") from None


def _read_bytes(content: object, _depth: int) -> bytes:
    try:
        return b64decode(str(content).replace("-", "+").replace("_", "/") + "==")
    except (binascii.Error, ValueError):
        raise Unusable("bytesValue is no base64") from None


_READERS: Final[Mapping[str, Callable[[object, int], object]]] = {
    "stringValue": _read_string,
    "intValue": _read_integer,
    "boolValue": _read_flag,
    "doubleValue": _read_float,
    "arrayValue": _read_array,
    "kvlistValue": _read_mapping,
    "bytesValue": _read_bytes,
}
