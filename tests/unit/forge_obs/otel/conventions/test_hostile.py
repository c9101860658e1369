"""Nothing in a span raises or takes without bounds, whoever made it up."""

import json
import math
from random import Random
from typing import Any

import orjson
import pytest
from forge_obs.otel.conventions import is_request, names, read_events, read_request
from forge_obs.otel.conventions.requests import DETAILS
from forge_obs.otel.spans import LogEvent, SpanData, SpanEvent
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.recorded_spans import build_row

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.system": "openai"}

KNOWN = sorted(
    {name for spellings in names.TEXTS.values() for name in spellings}
    | {*names.CONTENT, *names.FIRST_PIECE, *names.PARAMS, *names.ALL_PARAMS, *names.COSTS}
    | {names.FINISH_REASONS, names.STATUS, names.USAGE_TEXT, "openinference.span.kind"}
    | {"ai.operationId", "llm.request.type", "gen_ai.usage.input_tokens", "ai.usage.tokens"}
)
KEYS = [
    *("role", "content", "parts", "type", "text", "name", "id", "arguments", "function"),
    *("tool_calls", "image_url", "source", "messages", "generations", "event.name"),
]
EVENTS = [DETAILS, "exception", "gen_ai.choice", "gen_ai.user.message", "other"]
ENDS = ["role", "content", "message.role", "message.content", "message.contents.0", "tool_calls.1"]

LEAVES = [
    *(
        None,
        True,
        -1,
        2**70,
        -(2**70),
        10**400,
        0.5,
        math.nan,
        math.inf,
        "",
        "x",
        "\ud800",
        b"\xff",
        "chat",
    ),
    *("LLM", "embeddings", "[{", '["', "{}", "[[[]]]", "gen_ai.choice", "text", "tool_result", 429),
]


class Inventor:
    """Makes up spans; drawn from a seed, since hypothesis takes its time over nested values."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - no secret

    def value(self, room: int = 3) -> Any:
        kind = self._random.random()
        if room == 0 or kind < 0.4:
            return self._random.choice(LEAVES)
        if kind < 0.6:
            return [self.value(room - 1) for _ in range(self._random.randrange(4))]
        if kind < 0.9:
            names = self._random.sample(KEYS, self._random.randrange(4))
            return {name: self.value(room - 1) for name in names}
        return json.dumps(self.value(room - 1), default=repr)

    def name(self) -> str:
        kind = self._random.random()
        if kind < 0.7:
            return self._random.choice(KNOWN)
        number = self._random.choice(["0", "1", "-1", "7", "9" * 30, ""])
        return f"{self._random.choice(names.NUMBERED)}{number}.{self._random.choice(ENDS)}"

    def attributes(self) -> dict[str, Any]:
        return {self.name(): self.value() for _ in range(self._random.randrange(9))}

    def moment(self) -> int:
        return self._random.choice([0, -1, 10**18, 2**63, 10**30])

    def event(self) -> SpanEvent:
        return SpanEvent(self._random.choice(EVENTS), self.moment(), self.attributes())

    def log_event(self) -> LogEvent:
        told = self.event()
        return LogEvent(told.name, "1" * 32, "2" * 16, 0, told.attributes, self.value())

    def span(self) -> SpanData:
        return _make_span(
            CHAT | self.attributes(),
            events=[self.event() for _ in range(self._random.randrange(3))],
            start_ns=self.moment(),
            end_ns=self._random.choice([None, self.moment()]),
            is_error=self._random.random() < 0.5,
        )


def _make_span(given_attributes: dict[str, Any], **fields: Any) -> SpanData:
    fields = {"start_ns": 10**18, "end_ns": 2 * 10**18, **fields}
    return SpanData("1" * 32, "2" * 16, None, "chat m", attributes=given_attributes, **fields)


def _check(row: dict[str, Any]) -> None:
    orjson.dumps(row)
    for name, value in row.items():
        if name.endswith("_json") and value is not None:
            orjson.loads(value)
    assert row["status"] in {"started", "ok", "error"}


def test_no_value_of_any_kind_raises_under_any_name() -> None:
    for name in KNOWN:
        for value in [*LEAVES, 10**5000]:  # more digits than Python writes
            fields = read_request(_make_span({**CHAT, name: value, f"of.others.{name}": value}))
            if fields is not None:
                _check(build_row(fields))


@settings(deadline=None, max_examples=200, phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 2**40))
def test_no_span_raises(seed: int) -> None:
    span = Inventor(seed).span()

    fields = read_request(span)

    assert (fields is not None) == is_request(span)
    if fields is not None:
        _check(build_row(fields))


@settings(deadline=None, max_examples=100, phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 2**40))
def test_no_event_raises(seed: int) -> None:
    inventor = Inventor(seed)

    fields = read_events([inventor.log_event() for _ in range(3)])

    if fields is not None:
        _check(build_row(fields))


def _read_row(told: dict[str, Any]) -> dict[str, Any]:
    fields = read_request(_make_span({**CHAT, **told}))
    assert fields is not None
    row = build_row(fields)
    _check(row)
    return row


def test_a_gap_in_the_numbers_costs_nothing() -> None:
    row = _read_row(
        {
            "gen_ai.prompt.999999999.content": "last",
            "gen_ai.prompt.3.content": "first",
            f"gen_ai.prompt.{'9' * 200}.content": "no number",
        }
    )

    messages = json.loads(row["messages_json"])["input"]
    assert [message["parts"][0]["content"] for message in messages] == ["first", "last"]


def test_a_name_that_is_message_and_piece_at_once_is_read_as_what_came_first() -> None:
    row = _read_row({"gen_ai.prompt.0": "whole", "gen_ai.prompt.0.content": "piece"})

    assert row["user_prompt"] == "whole"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1000 + "]" * 1000,
        '[{"parts": ' * 300 + "1" + "}]" * 300,
        '[{"role": "tool", "parts": ['
        + '{"type": "tool_result", "content": [' * 400
        + "]}" * 400
        + "]}]",
        '[{"role": "user", "content": ['
        + '{"type": "thinking", "thinking": [' * 400
        + "]}" * 400
        + "]}]",
        '{"generations": [[{"message": ' * 250 + "1" + "}]]}" * 250,
        '{"a":' * 1000 + "1" + "}" * 1000,
    ],
    ids=["lists", "messages", "results", "thoughts", "generations", "mappings"],
)
@pytest.mark.parametrize(
    "name", ["gen_ai.input.messages", "output.value", "gen_ai.tool.definitions"]
)
def test_deep_nesting_is_cut(name: str, text: str) -> None:
    row = _read_row({name: text})

    assert row["status"] == "ok"


def test_structured_values_that_nest_deeply_are_cut() -> None:
    value: object = "bottom"
    for _ in range(5000):
        value = [value]

    row = _read_row({"gen_ai.input.messages": value, "other": value, "gen_ai.request.x": value})

    assert "bottom" not in json.dumps(row)


def test_a_million_messages_are_cut_with_a_note() -> None:
    row = _read_row({"gen_ai.input.messages": "[" + "1," * 999_999 + "1]"})

    assert len(json.loads(row["messages_json"])["input"]) == 10_000
    assert "messages: too many, cut" in row["notes"]


def test_a_message_of_a_million_parts_is_cut_with_a_note() -> None:
    parts = ",".join(['{"type":"image"}'] * 200_000)

    row = _read_row({"gen_ai.input.messages": f'[{{"role":"user","content":[{parts}]}}]'})

    [message] = json.loads(row["messages_json"])["input"]
    assert len(message["parts"]) < 50_000
    assert "messages: too long, cut" in row["notes"]


def test_more_attributes_than_anybody_has_are_left_out() -> None:
    told = {f"gen_ai.prompt.{number}.content": "x" for number in range(30_000)}

    row = _read_row(told)

    assert len(json.loads(row["messages_json"])["input"]) <= 10_000
    assert len(row["extra_json"]) < 10_000


def test_attributes_without_a_column_are_kept_briefly() -> None:
    row = _read_row({f"name.{number}": "x" * 10_000 for number in range(1_000)})

    kept = json.loads(row["extra_json"])["otel"]["attributes"]
    assert len(kept) == 40
    assert max(map(len, kept.values())) == 301


def test_text_that_an_exporter_cut_short_stays_text() -> None:
    row = _read_row({"gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","conte'})

    assert row["user_prompt"].startswith('[{"role":"user"')
    assert row["notes"] == "gen_ai.input.messages: no JSON, kept as text"


@pytest.mark.parametrize("start", [-1, 0, 10**21, 10**30])
def test_a_time_that_is_none_is_the_time_of_arrival(start: int) -> None:
    fields = read_request(_make_span(dict(CHAT), start_ns=start, end_ns=start + 5_000_000))

    assert fields is not None
    assert fields["created_at"] is None
    assert build_row(fields)["created_at"] == "2026-01-01T00:00:00.000000Z"
    assert math.isclose(build_row(fields)["latency_ms"], 5.0)


def test_a_span_that_ended_before_it_began_has_no_latency() -> None:
    fields = read_request(_make_span(dict(CHAT), start_ns=10**18, end_ns=10**18 - 1))

    assert fields is not None
    assert build_row(fields)["latency_ms"] == 0
