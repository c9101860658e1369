"""A stream whose end a span of its own tells of is one row."""

from dataclasses import replace
from typing import Any

import pytest
from forge_obs.otel.spans import SpanData
from support.call_rows import Rows
from support.recorded_spans import load_spans


def take_each(rows: Rows, spans: list[SpanData]) -> dict[str, dict[str, Any]]:
    """Return what the store would hold in the end; what is told later fills it."""
    held: dict[str, dict[str, Any]] = {}
    for span in spans:
        changes = rows.take([span])
        for entry_id in changes.removed:
            del held[entry_id]
        for row in changes.rows:
            held[str(row["entry_id"])] = {**held.get(str(row["entry_id"]), {}), **row}
    return held


@pytest.mark.parametrize("request_name", ["stream", "stream_within_a_span", "messages_stream"])
def test_row_begins_with_the_request_and_ends_with_the_answer(request_name: str) -> None:
    *_, begun, end = load_spans("logfire", request_name)

    [row] = take_each(Rows(), load_spans("logfire", request_name)).values()

    assert row["span_id"] == begun.span_id
    assert row.get("parent_span_id") == begun.parent_span_id
    assert row["latency_ms"] == ((end.end_ns or 0) - begun.start_ns) / 1e6
    assert row["messages"].keys() >= {"input", "output"}
    assert row["usage"]
    assert row["response_id"] in {"chatcmpl-1", "msg_1"}


@pytest.mark.parametrize("order", [(0, 1, 0, 1), (0, 1, 1, 0)], ids=str)
def test_what_is_told_again_is_no_other_call(order: tuple[int, ...]) -> None:
    spans = load_spans("logfire", "stream")

    [row] = take_each(Rows(), [spans[index] for index in order]).values()

    assert row["span_id"] == spans[0].span_id
    assert row["messages"].keys() >= {"input", "output"}


def test_answers_go_to_the_requests_whose_streams_they_end() -> None:
    begun, end = load_spans("logfire", "stream")
    second = 10**9
    began = [begun.start_ns, begun.start_ns + 10 * second]
    requests = [
        replace(begun, span_id=f"{number:016x}", start_ns=start, end_ns=start + second)
        for number, start in enumerate(began)
    ]
    ends = [
        replace(
            end,
            span_id=digit * 16,
            start_ns=began[0] + 30 * second,
            end_ns=began[0] + 30 * second,
            attributes={**end.attributes, "duration": lasted, "gen_ai.response.id": f"{lasted}"},
        )
        for digit, lasted in (("e", 19.0), ("f", 29.0))
    ]

    held = take_each(Rows(), [*requests, *ends])

    told = {row["span_id"]: row["response_id"] for row in held.values()}
    assert told == {requests[0].span_id: "29.0", requests[1].span_id: "19.0"}


def test_end_of_an_unknown_stream_is_a_row() -> None:
    [end] = load_spans("logfire", "stream")[1:]

    [row] = take_each(Rows(), [end]).values()

    assert row["span_id"] == end.span_id


def test_request_with_an_answer_has_no_other_end() -> None:
    [chat] = load_spans("logfire", "chat")
    end = replace(
        chat,
        span_id="f" * 16,
        start_ns=chat.end_ns or 0,
        attributes={**chat.attributes, "logfire.span_type": "log"},
    )

    assert len(take_each(Rows(), [chat, end])) == 2


@pytest.mark.parametrize("value", [None, "x", float("nan"), [1], {"a": 1}, 1e300])
def test_whatever_its_duration_says_the_answer_is_kept(value: object) -> None:
    begun, end = load_spans("logfire", "stream")
    attributes = {**end.attributes, "duration": value}

    [row] = take_each(Rows(), [begun, replace(end, attributes=attributes)]).values()

    assert row["response_id"] == "chatcmpl-1"
