"""A request that two spans tell of, neither of which knows the other, is one row."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from forge_obs.otel.calls import twins
from forge_obs.otel.spans import Source, SpanData
from support.call_rows import Rows
from support.recorded_spans import load_spans

SIBLINGS = [
    ("traceloop", "messages_tools"),
    ("traceloop", "messages_429"),
    ("openinference", "messages_stream"),
    ("langchain_openinference", "anthropic"),
    ("langchain_twice", "stream_twice"),
    ("langchain_twice", "anthropic_stream"),
]


def _take_one_by_one(spans: list[SpanData]) -> dict[str, dict[str, Any]]:
    """Return what the store would hold in the end."""
    rows = Rows()
    held: dict[str, dict[str, Any]] = {}
    for span in spans:
        changes = rows.take([span])
        for entry_id in changes.removed:
            held.pop(entry_id, None)
        held |= {str(row["entry_id"]): row for row in changes.rows}
    return held


@pytest.mark.parametrize(("library", "request_name"), SIBLINGS)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["outer first", "inner first"])
def test_the_inner_one_is_the_row_with_what_the_outer_one_knows(
    library: str, request_name: str, order: tuple[int, int]
) -> None:
    spans = load_spans(library, request_name)
    inner = spans[1]

    [row] = _take_one_by_one([spans[index] for index in order]).values()

    assert row["span_id"] == inner.span_id
    assert row["messages"]["input"]


def test_one_that_was_open_meanwhile_has_no_row_either() -> None:
    outer, inner = load_spans("traceloop", "messages_tools")
    begun = replace(outer, end_ns=None)

    [row] = _take_one_by_one([begun, inner, outer]).values()

    assert row["span_id"] == inner.span_id


def test_both_below_one_span_are_one_row_that_knows_what_is_around_it() -> None:
    outer, inner = load_spans("traceloop", "messages_tools")
    around = SpanData(
        outer.trace_id, "f" * 16, None, "chat", 1, 2**62, {"gen_ai.operation.name": "chat"}
    )
    around = replace(around, attributes={**around.attributes, "gen_ai.conversation.id": "s1"})
    within = [
        replace(span, trace_id=outer.trace_id, parent_span_id=around.span_id)
        for span in (outer, inner)
    ]

    [row] = _take_one_by_one([*reversed(within), around]).values()

    assert (row["span_id"], row["session_id"]) == (inner.span_id, "s1")


@pytest.mark.parametrize(
    "change",
    [
        {"start_ns": 1},
        {"source": Source("opentelemetry.instrumentation.anthropic")},
        {"attributes": {"gen_ai.response.id": "another"}},
    ],
    ids=["not within", "same scope", "another answer"],
)
def test_others_stay_two_rows(change: dict[str, Any]) -> None:
    outer, inner = load_spans("traceloop", "messages_tools")
    attributes = {**inner.attributes, **change.pop("attributes", {})}

    held = _take_one_by_one([replace(inner, attributes=attributes, **change), outer])

    assert len(held) == 2


def test_requests_one_after_the_other_with_one_id_stay_apart() -> None:
    outer, inner = load_spans("traceloop", "messages_tools")
    later = [
        replace(
            span, span_id=f"{number:016x}", start_ns=span.start_ns + 10**12, end_ns=end + 10**12
        )
        for number, span in enumerate((inner, outer), 77)
        if (end := span.end_ns)
    ]

    held = _take_one_by_one([inner, outer, *later])

    assert sorted(str(row["span_id"]) for row in held.values()) == sorted(
        [inner.span_id, f"{77:016x}"]
    )


def test_failures_of_two_programs_are_two_rows() -> None:
    outer, inner = load_spans("traceloop", "messages_429")
    elsewhere = replace(inner.source, resource={"service.name": "another-program"})

    assert len(_take_one_by_one([inner, outer])) == 1
    assert len(_take_one_by_one([replace(inner, source=elsewhere), outer])) == 2


def _load_streams(number: int = 0) -> tuple[SpanData, SpanData]:
    """Load a request that LangChain's callbacks and the client's instrumentation tell of."""
    outer, inner = load_spans("langchain_twice", "stream_twice")
    return (
        replace(outer, span_id=f"{2 * number + 1:016x}"),
        replace(inner, span_id=f"{2 * number + 2:016x}"),
    )


def test_failure_within_a_chain_is_one_row() -> None:
    spans = load_spans("langchain_twice", "chain_429_twice")

    [row] = _take_one_by_one([spans[3], spans[2], spans[1], spans[0]]).values()

    assert (row["span_id"], row["error_type"]) == (spans[3].span_id, "rate_limited")
    assert row["messages"]["input"]


@pytest.mark.parametrize("is_one_batch", [True, False], ids=["one batch", "one by one"])
def test_as_many_rows_as_requests_where_all_are_alike_at_once(is_one_batch: bool) -> None:
    spans = [span for number in range(10) for span in reversed(_load_streams(number))]

    if is_one_batch:
        changes = Rows().take(spans)
        held = {str(row["span_id"]) for row in changes.rows}
    else:
        held = {row["span_id"] for row in _take_one_by_one(spans).values()}

    assert held == {span.span_id for span in spans if "openai" in span.source.scope}


def test_failures_of_requests_at_once_are_as_many_rows() -> None:
    *_, outer, inner = load_spans("langchain_twice", "chain_429_twice")
    spans = [
        replace(span, span_id=f"{number}{index}".zfill(16), parent_span_id=None)
        for index, span in enumerate((inner, outer))
        for number in range(1, 6)
    ]

    held = _take_one_by_one(spans)

    assert sorted(row["span_id"][-1] for row in held.values()) == ["0"] * 5


def test_span_of_a_server_around_both_keeps_them_one_row() -> None:
    outer, inner = _load_streams()
    server = replace(outer, span_id="e" * 16, attributes={"http.route": "/ask"})
    chain = replace(outer, span_id="c" * 16, attributes={}, parent_span_id=server.span_id)
    outer = replace(outer, parent_span_id=chain.span_id)
    inner = replace(inner, trace_id=outer.trace_id, parent_span_id=server.span_id)

    held = _take_one_by_one([inner, outer, chain, server])

    assert [row["span_id"] for row in held.values()] == [inner.span_id]


@pytest.mark.parametrize(
    "change",
    [
        {"llm.output_messages.0.message.content": "It is cold.", "output.value": ""},
        {"llm.token_count.completion": 21},
        {"llm.model_name": "gpt-4o", "llm.invocation_parameters": "{}"},
        {"llm.response.id": "chatcmpl-2"},
    ],
    ids=["another answer", "other tokens", "another model", "another id"],
)
def test_streams_that_tell_something_else_stay_two_rows(change: dict[str, Any]) -> None:
    outer, inner = _load_streams()
    attributes = {**inner.attributes, "llm.response.id": "chatcmpl-1", **change}
    told = {**outer.attributes, "llm.response.id": "chatcmpl-1"}
    if "llm.response.id" not in change:
        told.pop("llm.response.id")

    held = _take_one_by_one(
        [replace(inner, attributes=attributes), replace(outer, attributes=told)]
    )

    assert len(held) == 2


def _run_as(span: SpanData, instance: str) -> SpanData:
    resource = {**span.source.resource, "service.instance.id": instance}
    return replace(span, source=replace(span.source, resource=resource))


def test_processes_of_one_program_are_told_apart() -> None:
    outer, inner = _load_streams()

    assert len(_take_one_by_one([_run_as(inner, "a"), _run_as(outer, "b")])) == 2
    assert len(_take_one_by_one([_run_as(inner, "a"), _run_as(outer, "a")])) == 1


def test_requests_that_could_all_be_one_are_compared_with_the_nearest_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads = count()
    monkeypatch.setattr(twins, "_read_answer", lambda _fields: str(next(reads))[:0])
    outer, _ = load_spans("traceloop", "messages_tools")
    told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    spans = [
        replace(outer, trace_id=f"{n + 1:032x}", attributes=told, source=Source(f"scope {n % 8}"))
        for n in range(100)
    ]

    Rows().take(spans)

    assert next(reads) <= 2 * 4 * len(spans)  # of 100 * 99 where each is compared with all
