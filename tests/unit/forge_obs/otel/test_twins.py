"""A request that two spans tell of, neither of which knows the other, is one row."""

from dataclasses import replace
from typing import Any

import pytest
from forge_obs.otel.call_rows import CallRows
from forge_obs.otel.spans import Source, SpanData
from support.recorded_spans import load_spans

SIBLINGS = [
    ("traceloop", "messages_tools"),
    ("traceloop", "messages_429"),
    ("openinference", "messages_stream"),
    ("langchain_openinference", "anthropic"),
]


def _take_one_by_one(spans: list[SpanData]) -> dict[str, dict[str, Any]]:
    """Return what the store would hold in the end."""
    rows = CallRows()
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
