"""What one process reads and another records is what one of them would have recorded alone."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from itertools import chain
from typing import Any

import pytest
from forge_obs.model.entries import Entry
from forge_obs.otel import LogEvent, SpanData, pack
from forge_obs.otel.calls.call_rows import CallRows
from forge_obs.otel.calls.packing import MOST_READINGS, unpack
from forge_obs.otel.calls.readings import Reading, read_all
from forge_obs.recorder import build
from support.recorded_spans import list_libraries, list_requests, load_events, load_spans

Told = tuple[Sequence[SpanData], Sequence[LogEvent]]

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
RECORDED = [(library, name) for library in list_libraries() for name in list_requests(library)]


def make_span(number: int, **attributes: object) -> SpanData:
    start = 1_790_000_000_000_000_000
    told = {**CHAT, **attributes}
    return SpanData("a" * 32, f"{number:016x}", None, "chat", start, start + 1, told)


def carry(spans: Iterable[SpanData], events: Iterable[LogEvent] = ()) -> list[Reading]:
    return list(chain.from_iterable(map(unpack, pack(spans, events))))


def list_written(parts: Iterable[Iterable[Reading]]) -> list[tuple[Any, ...]]:
    """List what becomes of readings that come one part after the other."""
    rows = CallRows()
    written: list[tuple[Any, ...]] = []
    for part in parts:
        changes = rows.take(part)
        entries = (
            row if isinstance(row, Entry) else build("interaction", (), row, None)
            for row in changes.rows
        )
        written += [(entry.table, entry.row, entry.facts, entry.before) for entry in entries]
        written.append((changes.removed, changes.more_calls))
    return written


@pytest.mark.parametrize(("library", "request_name"), RECORDED)
def test_rows_are_those_of_spans_that_are_read_where_they_are_recorded(
    library: str, request_name: str
) -> None:
    spans, events = load_spans(library, request_name), load_events(library, request_name)
    together: list[Told] = [(spans, events)]
    one_by_one: list[Told] = [([span], ()) for span in spans] + [((), [e]) for e in events]

    for bodies in (together, one_by_one, [*reversed(one_by_one), *together]):
        here = list_written(read_all(*body) for body in bodies)
        assert list_written(carry(*body) for body in bodies) == here


def test_what_is_told_of_a_request_is_opened_as_it_was() -> None:
    for library, request_name in RECORDED:
        spans, events = load_spans(library, request_name), load_events(library, request_name)
        for packed, read in zip(carry(spans, events), read_all(spans, events), strict=True):
            assert packed.link == read.link
            assert (packed.told and packed.told.open()) == (read.told and read.told.open())
            assert (packed.ended and asdict(packed.ended)) == (read.ended and asdict(read.ended))
            span = read.span and replace(read.span, events=tuple(read.span.events))
            assert packed.span == span


def test_every_other_row_is_built_where_it_is_read() -> None:
    readings = carry([make_span(number) for number in range(1, 100)])

    built = [reading for reading in readings if reading.told and reading.told.entry]
    assert 45 < len(built) < 55


def test_many_spans_come_in_parts_in_their_order() -> None:
    spans = [make_span(number) for number in range(1, 3 * MOST_READINGS)]

    parts = [unpack(part) for part in pack(spans)]

    assert max(map(len, parts)) <= 2 * MOST_READINGS
    assert [reading.link.span_id for part in parts for reading in part] == [
        span.span_id for span in spans
    ]


def test_long_spans_come_one_by_one() -> None:
    spans = [make_span(n, **{"gen_ai.input.messages": "x" * 700_000}) for n in range(1, 40)]

    assert max(map(len, map(unpack, list(pack(spans))[1:]))) == 1


def test_hook_sees_each_text_where_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_REDACT", "html:escape")
    readings = carry([make_span(n, **{"gen_ai.input.messages": "a < b"}) for n in range(1, 4)])

    built = [reading.told.entry for reading in readings if reading.told and reading.told.entry]
    assert {entry.row["user_prompt"] for entry in built} == {"a &lt; b"}


def test_row_is_left_to_the_recorder_where_the_hook_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_REDACT", "no_such_module:hook")
    readings = carry([make_span(number) for number in range(1, 4)])

    assert not [reading for reading in readings if reading.told and reading.told.entry]


def test_value_that_is_more_than_plain_cannot_be_packed() -> None:
    messages = [{"role": "user", "content": object()}]

    with pytest.raises(ValueError, match="unmarshallable"):
        list(pack([make_span(1, **{"gen_ai.input.messages": messages})]))
