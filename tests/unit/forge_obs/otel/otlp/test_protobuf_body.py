"""Bodies in protobuf: each span by itself, whatever stands beside it."""

import math

import pytest
from forge_obs.otel import MalformedBody, SpanEvent, read_logs, read_traces
from forge_obs.otel.otlp import batch, protobuf_body, wire
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from support.otlp import (
    CHAT,
    LATENCY_NS,
    SPAN_ID,
    START_NS,
    TRACE_ID,
    make_body,
    make_event_body,
    make_pairs,
    make_request,
    make_span,
)

VALUES = {
    "text": "grüße", "empty": "", "flag": True, "off": False, "whole": -(2**63), "zero": 0,
    "fraction": 0.5, "list": ["a", 1, [True]], "mapping": {"a": {"b": None}}, "bytes": b"\xff\x00",
    "nothing": None,
}  # fmt: skip
"""Every type of attribute."""


def nest(number: int, payload: bytes) -> bytes:
    """Make a message of one field."""
    size, length = len(payload), b""
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + payload


def test_a_span_keeps_all_that_it_tells() -> None:
    event = Span.Event(name="exception", time_unix_nano=7, attributes=make_pairs({"a": 1}))
    status = Status(code=Status.STATUS_CODE_ERROR, message="timed out")
    span = make_span(span_id=SPAN_ID, parent="aa" * 8, events=[event], status=status)

    batch_ = read_traces(make_body(span), is_json=False)

    [read] = batch_.spans
    assert (read.trace_id, read.span_id, read.parent_span_id) == (TRACE_ID, SPAN_ID, "aa" * 8)
    assert (read.name, read.start_ns, read.end_ns) == (
        "chat gpt-4o", START_NS, START_NS + LATENCY_NS,
    )  # fmt: skip
    assert read.attributes == CHAT
    assert list(read.events) == [SpanEvent("exception", 7, {"a": 1})]
    assert (read.is_error, read.status_message) == (True, "timed out")
    assert (read.source.scope, read.source.scope_version) == ("library", "1.2")
    assert read.source.resource == {"service.name": "my-app"}
    assert (batch_.rejected, batch_.reason) == (0, "")


def test_attributes_of_every_type_keep_their_values() -> None:
    [span] = read_traces(make_body(make_span(VALUES)), is_json=False).spans

    assert span.attributes == VALUES


def test_numbers_that_are_none_are_kept() -> None:
    [span] = read_traces(make_body(make_span({"x": math.nan})), is_json=False).spans

    assert math.isnan(float(str(span.attributes["x"])))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param(make_span(trace_id="00" * 16), "all zeros", id="trace of zeros"),
        pytest.param(make_span(span_id="00" * 8), "all zeros", id="span of zeros"),
        pytest.param(make_span(trace_id="ab" * 15), "trace id is not 16 bytes", id="short trace"),
        pytest.param(make_span(span_id=""), "span id is not 8 bytes", id="no span"),
    ],
)
def test_a_span_without_a_good_id_costs_no_other(bad: Span, reason: str) -> None:
    batch_ = read_traces(make_body(make_span(), bad, make_span()), is_json=False)

    assert (len(batch_.spans), batch_.rejected) == (2, 1)
    assert reason in batch_.reason


@pytest.mark.parametrize("parent", ["", "00" * 8, "ab"], ids=["none", "zeros", "short"])
def test_a_parent_that_is_none_leaves_a_root(parent: str) -> None:
    [span] = read_traces(make_body(make_span(parent=parent)), is_json=False).spans

    assert span.parent_span_id is None


def test_a_text_that_was_cut_within_a_character_costs_nothing() -> None:
    whole = make_body(make_span({"prompt": "grüQ"}), make_span())

    batch_ = read_traces(whole.replace("grüQ".encode(), b"gr\xc3QQ"), is_json=False)

    assert [span.attributes for span in batch_.spans] == [{"prompt": "gr�QQ"}, CHAT]
    assert batch_.rejected == 0


def test_a_span_that_is_no_message_costs_no_other() -> None:
    request = make_request([make_span(), make_span(name="x" * 20), make_span()])
    broken = request.SerializeToString().replace(b"\x2a\x14" + b"x" * 20, b"\x2f\x14" + b"x" * 20)

    batch_ = read_traces(broken, is_json=False)

    assert (len(batch_.spans), batch_.rejected) == (2, 1)
    assert batch_.reason == "1: not a valid message"


def test_a_body_that_was_cut_off_is_none() -> None:
    body = make_body(make_span(), make_span())

    for length in range(1, len(body)):
        with pytest.raises(MalformedBody, match="not an OTLP request in protobuf"):
            read_traces(body[:length], is_json=False)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for read in (read_traces, read_logs):
        try:
            read(body, is_json=False)
        except MalformedBody:
            continue


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_wrong_byte_is_survived(position: int, byte: int) -> None:
    body = bytearray(make_body(make_span(VALUES), make_span()))
    body[position % len(body)] = byte

    try:
        read_traces(bytes(body), is_json=False)
    except MalformedBody:
        return


def test_an_empty_body_is_an_empty_request() -> None:
    assert read_traces(b"", is_json=False) == batch.Batch()


def test_lists_without_end_are_refused_span_by_span() -> None:
    deep = b""
    for _ in range(500):  # AnyValue.array_value.values, each within the other
        deep = nest(5, nest(1, deep))
    attribute = nest(9, nest(1, b"deep") + nest(2, deep))
    spans = [make_span().SerializeToString() + attribute, make_span().SerializeToString()]

    batch_ = read_traces(nest(1, nest(2, b"".join(nest(2, s) for s in spans))), is_json=False)

    assert (len(batch_.spans), batch_.rejected) == (1, 1)


def test_too_many_spans_are_counted_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MOST_SPANS", 2)

    batch_ = read_traces(make_body(*[make_span() for _ in range(5)]), is_json=False)

    assert (len(batch_.spans), batch_.rejected) == (2, 3)


def test_a_span_that_is_too_large_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LARGEST", 1000)

    batch_ = read_traces(make_body(make_span({"x": "y" * 1000}), make_span()), is_json=False)

    assert (len(batch_.spans), batch_.rejected) == (1, 1)


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(nest(9, b"") * wire.MOST_VALUES, id="attributes"),
        pytest.param(nest(9, nest(2, nest(5, b"\x0a\x00" * wire.MOST_VALUES))), id="list"),
        pytest.param(nest(9, nest(2, nest(6, b"\x0a\x00" * wire.MOST_VALUES))), id="mapping"),
        pytest.param(nest(11, nest(3, b"") * wire.MOST_VALUES), id="event"),
    ],
)
def test_more_values_than_memory_has_room_for_cost_no_other(flood: bytes) -> None:
    spans = [make_span().SerializeToString() + flood, make_span().SerializeToString()]

    batch_ = read_traces(nest(1, nest(2, b"".join(nest(2, s) for s in spans))), is_json=False)

    assert (len(batch_.spans), batch_.rejected) == (1, 1)
    assert "more than 50000 fields" in batch_.reason


@pytest.mark.parametrize("depth", [0, 1, 2], ids=["request", "resource", "scope"])
def test_a_flood_of_unknown_fields_is_refused(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protobuf_body, "MOST_FIELDS", 1000)
    flood = b"\x78\x01\x7a\x00" * 1000
    for number in (2, 1)[2 - depth :]:
        flood = nest(number, flood)

    with pytest.raises(MalformedBody, match="more than 1000 fields"):
        read_traces(flood + flood, is_json=False)


def test_a_long_text_is_no_flood() -> None:
    text = "\n\0" * 200_000

    [span] = read_traces(make_body(make_span({"x": text, "y": [text]})), is_json=False).spans

    assert span.attributes == {"x": text, "y": [text]}


def test_a_flood_of_empty_groups_is_refused() -> None:
    with pytest.raises(MalformedBody, match="resources and scopes"):
        read_traces(b"\x0a\x00" * (batch.MOST_GROUPS + 1), is_json=False)


def test_an_event_belongs_to_its_span() -> None:
    body = make_event_body(
        "gen_ai.client.inference.operation.details",
        {"gen_ai.input.messages": "[]"},
        trace_id=bytes.fromhex(TRACE_ID),
        span_id=bytes.fromhex(SPAN_ID),
        body={"string_value": "said"},
    )

    [event] = read_logs(body, is_json=False).events

    assert (event.name, event.trace_id, event.span_id) == (
        "gen_ai.client.inference.operation.details", TRACE_ID, SPAN_ID,
    )  # fmt: skip
    assert (event.attributes, event.body) == ({"gen_ai.input.messages": "[]"}, "said")
    assert event.time_ns == START_NS


def test_an_event_may_be_named_by_an_attribute() -> None:
    body = make_event_body(
        "",
        {"event.name": "gen_ai.choice"},
        trace_id=bytes.fromhex(TRACE_ID),
        span_id=bytes.fromhex(SPAN_ID),
    )

    [event] = read_logs(body, is_json=False).events

    assert event.name == "gen_ai.choice"


@pytest.mark.parametrize(
    ("name", "rejected"), [("gen_ai.choice", 1), ("app.started", 0), ("", 0)],
    ids=["of a call", "of none", "a line of a log"],
)  # fmt: skip
def test_what_has_no_span_is_left_out(name: str, rejected: int) -> None:
    batch_ = read_logs(make_event_body(name, {}), is_json=False)

    assert (list(batch_.events), batch_.rejected) == ([], rejected)
