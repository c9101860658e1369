"""Bodies in JSON, with what protobuf's mapping allows and what exporters really write."""

import json
import math
from typing import Any

import orjson
import pytest
from forge_obs.otel import MalformedBody, SpanEvent, read_logs, read_traces
from forge_obs.otel.otlp import json_body
from hypothesis import given
from hypothesis import strategies as st
from support.otlp import (
    CHAT,
    LATENCY_NS,
    SPAN_ID,
    START_NS,
    TRACE_ID,
    make_body,
    make_json_body,
    make_json_span,
    make_span,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def read_attribute(value: dict[str, Any]) -> object:
    span = make_json_span(attributes={}) | {"attributes": [{"key": "x", "value": value}]}
    [read] = read_traces(make_json_body(span), is_json=True).spans
    return read.attributes["x"]


def test_both_encodings_tell_the_same() -> None:
    in_json = read_traces(make_json_body(make_json_span(spanId=SPAN_ID)), is_json=True)
    in_protobuf = read_traces(make_body(make_span(span_id=SPAN_ID)), is_json=False)

    assert in_json == in_protobuf
    assert in_json.spans[0].attributes == CHAT


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"stringValue": "a"}, "a"),
        ({"boolValue": False}, False),
        ({"intValue": "9007199254740993"}, 9007199254740993),
        ({"intValue": 12}, 12),
        ({"intValue": 12.0}, 12),
        ({"doubleValue": 0.5}, 0.5),
        ({"doubleValue": "-Infinity"}, -math.inf),
        ({"bytesValue": "/wA="}, b"\xff\x00"),
        ({"bytesValue": "_wA"}, b"\xff\x00"),
        ({"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "b"}]}}, [1, "b"]),
        ({"arrayValue": {}}, []),
        ({"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": True}}]}}, {"a": True}),
        ({}, None),
        ({"newValue": 1}, None),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_attributes_of_every_type(value: dict[str, Any], expected: object) -> None:
    assert read_attribute(value) == expected


def test_ids_are_hexadecimal_digits_of_either_case() -> None:
    span = make_json_span(traceId=TRACE_ID.upper(), spanId="EEE19B7EC3C1B174", parentSpanId="")

    [read] = read_traces(make_json_body(span), is_json=True).spans

    assert (read.trace_id, read.span_id, read.parent_span_id) == (
        TRACE_ID, "eee19b7ec3c1b174", None,
    )  # fmt: skip


@pytest.mark.parametrize("code", [2, "STATUS_CODE_ERROR"])
def test_an_enumeration_is_a_number_or_a_name(code: object) -> None:
    span = make_json_span(status={"code": code, "message": "timed out"})

    [read] = read_traces(make_json_body(span), is_json=True).spans

    assert (read.is_error, read.status_message) == (True, "timed out")


def test_times_are_numbers_or_texts() -> None:
    event = {"name": "e", "timeUnixNano": 5, "attributes": []}
    span = make_json_span(startTimeUnixNano=START_NS, endTimeUnixNano="0", events=[event, 7])

    [read] = read_traces(make_json_body(span), is_json=True).spans

    assert (read.start_ns, read.end_ns) == (START_NS, None)
    assert list(read.events) == [SpanEvent("e", 5, {})]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param(make_json_span(spanId="0" * 16), "all zeros", id="span of zeros"),
        pytest.param(make_json_span(traceId="W47/95gDgQPSabYzgT=="), "hexadecimal", id="base64"),
        pytest.param(make_json_span(traceId=12), "trace id is not", id="a number"),
        pytest.param(make_json_span(startTimeUnixNano="soon"), "no time", id="no time"),
        pytest.param(make_json_span(endTimeUnixNano=-1), "no time", id="before 1970"),
        pytest.param(make_json_span(startTimeUnixNano=True), "no time", id="a flag"),
        pytest.param(7, "not a list of objects", id="no object"),
        pytest.param(
            make_json_span() | {"attributes": [{"key": "x", "value": {"intValue": "1.5"}}]},
            "intValue is no whole number", id="no whole number",
        ),
    ],
)  # fmt: skip
def test_a_bad_span_costs_no_other(bad: object, reason: str) -> None:
    body = make_json_body(make_json_span(), bad, make_json_span())

    batch = read_traces(body, is_json=True)

    assert (len(batch.spans), batch.rejected) == (2, 1)
    assert reason in batch.reason


def test_reasons_are_counted() -> None:
    body = make_json_body(*[make_json_span(spanId="0" * 16)] * 3, make_json_span(traceId="x"))

    assert read_traces(body, is_json=True).reason == (
        "3: trace id or span id is all zeros; 1: trace id is not 16 bytes in hexadecimal digits"
    )


def test_fields_that_are_not_known_are_ignored() -> None:
    body = orjson.loads(make_json_body(make_json_span(newField={"a": [1]})))
    body["newer"] = body["resourceSpans"][0]["newest"] = [1, 2]

    batch = read_traces(orjson.dumps(body), is_json=True)

    assert (len(batch.spans), batch.rejected) == (1, 0)


@pytest.mark.parametrize(
    ("written", "expected"),
    [(b'"\\ud83d cut"', "\ud83d cut"), (b'"gr\xc3"', "gr�")],
    ids=["half of a pair", "half of a character"],
)
def test_texts_that_were_cut_are_kept(written: bytes, expected: str) -> None:
    body = make_json_body(make_json_span({"x": "HERE"})).replace(b'"HERE"', written)

    [span] = read_traces(body, is_json=True).spans

    assert span.attributes == {"x": expected}


def test_numbers_that_json_has_no_word_for_are_kept() -> None:
    body = make_json_body(make_json_span({"x": 1234.5})).replace(b"1234.5", b"NaN")

    [span] = read_traces(body, is_json=True).spans

    assert math.isnan(float(str(span.attributes["x"])))


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"7", b"\x0a\x00", b'{"resourceSpans": [', b"[" * 100_000],
    ids=["empty", "open", "a list", "a number", "protobuf", "cut off", "deep"],
)
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBody, match="not an OTLP request in JSON"):
        read_traces(body, is_json=True)


def test_more_values_than_memory_has_room_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_body, "MOST_VALUES", 100)

    with pytest.raises(MalformedBody, match="more than 100 values"):
        read_traces(b"[" + b"{}," * 100 + b"{}]", is_json=True)


def test_lists_in_lists_have_an_end() -> None:
    value: dict[str, Any] = {"intValue": 1}
    for _ in range(json_body.DEEPEST + 5):
        value = {"arrayValue": {"values": [value]}}
    span = make_json_span() | {"attributes": [{"key": "x", "value": value}]}

    batch = read_traces(make_json_body(span, make_json_span()), is_json=True)

    assert (len(batch.spans), batch.rejected) == (1, 1)


@given(JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    span = make_json_span(attributes={}) | {"attributes": value, "events": value, "status": value}
    bodies = (
        value,
        {"resourceSpans": value, "resourceLogs": value},
        {"resourceSpans": [{"resource": value, "scopeSpans": value}]},
        json.loads(make_json_body(span, {"attributes": [{"key": "x", "value": value}]})),
    )
    for body in bodies:
        for read in (read_traces, read_logs):
            try:
                read(json.dumps(body).encode(), is_json=True)
            except MalformedBody:
                continue


def test_an_event_belongs_to_its_span() -> None:
    record = {
        "eventName": "gen_ai.client.inference.operation.details",
        "traceId": TRACE_ID,
        "spanId": SPAN_ID,
        "observedTimeUnixNano": str(START_NS + LATENCY_NS),
        "attributes": [{"key": "a", "value": {"intValue": "1"}}],
        "body": {"stringValue": "said"},
    }
    body = orjson.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record, {}]}]}]})

    batch = read_logs(body, is_json=True)

    [event] = batch.events
    assert (event.span_id, event.attributes, event.body) == (SPAN_ID, {"a": 1}, "said")
    assert (event.time_ns, batch.rejected) == (START_NS + LATENCY_NS, 0)
