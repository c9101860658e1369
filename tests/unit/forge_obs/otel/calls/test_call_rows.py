"""What spans and events make of rows."""

import json
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from forge_obs.otel.calls.lineage import Lineage, Link
from forge_obs.otel.calls.readings import make_entry_id
from forge_obs.otel.calls.told import measure
from forge_obs.otel.spans import Attributes, LogEvent, Source, SpanData
from support.call_rows import RowChanges, Rows
from support.recorded_spans import build_row

TRACE = "a" * 32
START = 1_790_000_000_000_000_000
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 99}
DETAILS = "gen_ai.client.inference.operation.details"


def said(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def span(
    span_id: str,
    parent: str | None = None,
    attributes: Attributes = CHAT,
    *,
    is_open: bool = False,
    scope: str = "openai",
    **more: object,
) -> SpanData:
    end = None if is_open else START + 1_000_000
    attributes = {**attributes, **{f"gen_ai.{k.replace('__', '.')}": v for k, v in more.items()}}
    source = Source(scope, "1", {"service.name": "shop"})
    return SpanData(TRACE, span_id, parent, span_id, START, end, attributes, source=source)


def event(span_id: str, **attributes: object) -> LogEvent:
    named = {f"gen_ai.{name.replace('__', '.')}": value for name, value in attributes.items()}
    return LogEvent(DETAILS, TRACE, span_id, START, {**CHAT, **named})


def by_span(changes: RowChanges) -> dict[str, dict[str, Any]]:
    return {str(row["span_id"]): row for row in changes.rows}


def texts(row: dict[str, Any]) -> str:
    return json.dumps(row.get("messages"))


def entry_id(span_id: str) -> str:
    return make_entry_id(Link(TRACE, span_id))


def test_request_is_a_row_and_what_is_around_it_is_none() -> None:
    changes = Rows().take(
        [
            span("c", "t"),
            span("t", "a", {"gen_ai.operation.name": "execute_tool"}),
            span("a", None, AGENT),
        ]
    )

    (row,) = changes.rows
    assert row["span_id"] == "c"
    assert row["task_id"] == "shop"
    assert row["entry_id"] == entry_id("c")
    assert changes.removed == []


@pytest.mark.parametrize("order", list(permutations(["inner", "between", "outer"])))
def test_innermost_request_of_a_batch_is_the_row_in_any_order(order: tuple[str, ...]) -> None:
    spans = {
        "inner": span("inner", "between"),
        "between": span("between", "outer", {"http.request.method": "POST"}),
        "outer": span("outer"),
    }

    changes = Rows().take([spans[name] for name in order])

    assert list(by_span(changes)) == ["inner"]
    assert changes.removed == []


@pytest.mark.parametrize("order", list(permutations(["inner", "between", "outer"])))
def test_innermost_request_is_the_row_though_each_comes_alone(order: tuple[str, ...]) -> None:
    spans = {
        "inner": span("inner", "between"),
        "between": span("between", "outer", {"http.request.method": "POST"}),
        "outer": span("outer", input__messages=said("user", "Hello?")),
    }
    rows = Rows()
    stored: dict[str, dict[str, Any]] = {}

    for name in order:
        changes = rows.take([spans[name]])
        for removed in changes.removed:
            del stored[removed]
        for row in changes.rows:
            stored[str(row["entry_id"])] = row

    assert list(stored) == [entry_id("inner")]
    assert "Hello?" in texts(stored[entry_id("inner")])


def test_only_inner_request_gets_what_only_the_outer_one_knows() -> None:
    outer = span(
        "outer",
        input__messages=said("user", "from outside"),
        output__messages=said("assistant", "answer"),
        conversation__id="c1",
        usage__input_tokens=99,
    )
    inner = span("inner", "outer", output__messages=said("assistant", "own"), usage__input_tokens=5)

    row = by_span(Rows().take([inner, outer]))["inner"]

    assert "from outside" in texts(row)
    assert "own" in texts(row)
    assert "answer" not in texts(row)
    assert row["session_id"] == "c1"
    assert "99" not in json.dumps(row["usage"])


def test_of_several_inner_requests_none_gets_it() -> None:
    outer = span("outer", input__messages=said("user", "from outside"))

    changes = Rows().take([span("one", "outer"), span("two", "outer"), outer])

    assert sorted(by_span(changes)) == ["one", "two"]
    assert "from outside" not in json.dumps([texts(row) for row in changes.rows])


def test_instructions_in_the_inner_requests_input_are_not_added_once_more() -> None:
    told = said("system", "Be brief.")[:-1] + "," + said("user", "Hi")[1:]
    outer = span("outer", system_instructions='[{"type": "text", "content": "Be brief."}]')
    rows = Rows()
    first = build_row(by_span(rows.take([], [event("inner", input__messages=told)]))["inner"])

    then = build_row(by_span(rows.take([span("inner", "outer"), outer]))["inner"])

    assert first["system_prompt"] == then["system_prompt"] == "Be brief."
    assert first["messages_json"] == then["messages_json"]


def test_nearest_of_two_outer_requests_counts() -> None:
    far = span("far", input__messages=said("user", "far"))
    near = span("near", "far", input__messages=said("user", "near"))

    row = by_span(Rows().take([span("inner", "near"), far, near]))["inner"]

    assert "near" in texts(row)
    assert "far" not in texts(row)


def test_open_request_is_started_and_completed_when_it_ends() -> None:
    rows = Rows()

    (started,) = rows.take([span("c", is_open=True, input__messages=said("user", "Hi"))]).rows
    (ended,) = rows.take([span("c", usage__input_tokens=3)]).rows

    assert (started["status"], ended["status"]) == ("started", "ok")
    assert started["entry_id"] == ended["entry_id"]
    assert "Hi" in texts(ended)


def test_outer_request_on_record_as_started_is_removed_when_the_inner_one_opens() -> None:
    rows = Rows()
    rows.take([span("outer", is_open=True, input__messages=said("user", "Hi"))])

    changes = rows.take([span("inner", "outer", is_open=True)])

    assert changes.removed == [entry_id("outer")]
    assert "Hi" in texts(by_span(changes)["inner"])


def test_links_alone_say_who_is_inside_whom() -> None:
    rows = Rows()
    links = [Link(TRACE, "inner", "http"), Link(TRACE, "http", "outer"), Link(TRACE, "outer")]
    rows.take([span("inner", "http")], links=links)

    assert rows.take([span("outer")]).rows == []


def test_what_forge_recorded_itself_is_no_row_and_nothing_inside_it() -> None:
    own = span("own", scope="forge")

    assert Rows().take([span("inner", "own"), own]).rows == []


def test_event_of_forge_is_no_row_even_without_its_span() -> None:
    own = replace(event("own"), source=Source("forge", "1"))

    assert Rows().take([], [own]).rows == []


def test_request_that_came_before_forges_own_span_is_removed() -> None:
    rows = Rows()
    rows.take([span("inner", "between")])
    rows.take([span("between", "own", {})])

    changes = rows.take([span("own", scope="forge")])

    assert changes.removed == [entry_id("inner")]
    assert changes.rows == []


def test_requests_inside_an_observed_block_are_no_rows() -> None:
    links = [Link(TRACE, "c", None, is_own=True)]

    assert Rows().take([span("c")], links=links).rows == []


def test_event_and_span_are_one_row_whichever_comes_first() -> None:
    told = event("c", input__messages=said("user", "Hi"), output__messages=said("assistant", "Yo"))
    for parts in ([[], [told]], [[span("c")], []]), ([[span("c")], []], [[], [told]]):
        rows = Rows()
        first, last = (rows.take(spans, events) for spans, events in parts)  # type: ignore[arg-type]

        (row,) = last.rows
        assert row["entry_id"] == first.rows[0]["entry_id"]
        assert "Hi" in texts(row)
        assert row["latency_ms"] == 1.0


def test_second_version_of_a_text_does_not_replace_the_first_of_a_finished_call() -> None:
    rows = Rows()
    rows.take([span("c", input__messages=said("user", "first"))])

    (row,) = rows.take([], [event("c", input__messages=said("user", "second"))]).rows

    assert "first" in texts(row)
    assert "second" not in texts(row)


def test_content_of_an_outer_requests_event_goes_to_the_inner_one() -> None:
    rows = Rows()
    rows.take([], [event("outer", input__messages=said("user", "Hi"))])

    changes = rows.take([span("inner", "outer")])

    assert changes.removed == [entry_id("outer")]
    assert "Hi" in texts(by_span(changes)["inner"])


def test_event_of_no_span_is_a_call_of_its_own() -> None:
    zeros = "0" * 16
    changes = Rows().take([], [event(zeros), event(zeros, response__model="other")])

    assert len(changes.rows) == 2


def test_task_that_is_said_counts_before_the_programs_name() -> None:
    (row,) = Rows().take([span("c")], task_id="tidy").rows

    assert row["task_id"] == "tidy"


def test_what_is_kept_for_later_is_bounded() -> None:
    rows = Rows(Lineage(most_spans=50))
    for number in range(200):
        rows.take([span(f"{number}", input__messages=said("user", "x" * 100_000))])

    assert rows.inner._kept_bytes <= 8_000_000
    assert sum(size for _, size in rows.inner._kept.values()) == rows.inner._kept_bytes


def test_forgotten_inner_request_still_keeps_the_outer_one_from_being_a_row() -> None:
    rows = Rows(Lineage(most_spans=3))
    rows.take([span("inner", "outer")])
    rows.take([span("other", "outer", {})])

    assert rows.take([span("outer")]).rows == []


def test_measure_counts_texts_and_ends() -> None:
    endless: list[object] = []
    endless.append(endless)

    assert measure({"a": "x" * 1000, "b": [b"y" * 1000]}) >= 2000
    assert measure(endless) > 0


HOSTILE = [
    10**400,
    10**5000,
    float("nan"),
    "\ud800",
    {"a": [1]},
    [[[]]],
    b"\xff",
    {1: 2},
    "x" * 10_000,
]


@pytest.mark.parametrize("name", ["logfire.span_type", "duration", "request_data", "usage.tokens"])
def test_no_value_of_what_tells_requests_apart_raises(name: str) -> None:
    rows = Rows()
    for number, value in enumerate(HOSTILE):
        told = {
            "logfire.span_type": ("span", "log")[number % 2],
            f"gen_ai.{name}": value,
            name: value,
        }
        source = Source(f"scope {number}", "", {"service.instance.id": value})
        one = replace(span(f"{number:016x}", None, CHAT | told), source=source)

        assert rows.take([one]).rows
