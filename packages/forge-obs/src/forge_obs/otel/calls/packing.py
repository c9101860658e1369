"""Readings on their way from one process to another, as plain values. See D99."""

import marshal
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any, Final, TypeAlias

from forge_obs.environment.entry import FOREIGN, build_entry
from forge_obs.environment.redact_hook import GuardedHook, get_hook, redact
from forge_obs.model.entries import Before, Entry
from forge_obs.model.rows import INTERACTIONS
from forge_obs.otel.calls.lineage import Link
from forge_obs.otel.calls.readings import Reading, identify, make_entry_id, read_all
from forge_obs.otel.calls.told import PLAIN, Told
from forge_obs.otel.calls.twins import EndedRequest
from forge_obs.otel.conventions.columns import doubt_clock
from forge_obs.otel.spans import LogEvent, Source, SpanData, SpanEvent

MOST_READINGS: Final = 128
"""How many readings are packed together."""

MOST_BYTES: Final = 1_000_000
"""After how many bytes of them no more are."""

LEFT: Final = 2
"""Of so many rows one is left to whoever records them, so that both have as much to do."""

_FIRST: Final = 16
"""How many readings are made before it is known how long they are."""

_COLUMNS: Final = tuple(column.name for column in INTERACTIONS)
_pick: Final = itemgetter(*_COLUMNS)
_pick_ended: Final = attrgetter(*(part.name for part in fields(EndedRequest)))

_Packed: TypeAlias = tuple[Any, ...]


def pack(spans: Iterable[SpanData], events: Iterable[LogEvent] = ()) -> Iterator[bytes]:
    """Read spans and events, and pack what they tell for `SpanRecorder.record_packed`.

    Most rows of calls are built, too, and pass through the redaction hook of this process; of what
    is odd about one, as a hook that fails, nothing is said: its row is left to whoever records it.

    Raises:
        Exception: What a hostile value raises, if it cannot be packed: whoever has the body can
            still record it as it is.
    """
    hook, now = get_hook(), datetime.now(UTC)
    readings = read_all(spans, events)
    part: list[_Packed] = []
    size, count = 0, _FIRST
    # Step by step for many at a time: that the caches hold the code of one step saves a fifth.
    while group := list(islice(readings, count)):
        entries = [
            _build_entry(reading, hook, now) if (number + 1) % LEFT else None
            for number, reading in enumerate(group)
        ]
        told = [None if r.told is None else r.told.pack() for r in group]
        part += map(_flatten, group, told, entries)
        length = sum(len(packed) for packed in told if packed)
        length += sum(entry.length for entry in entries if entry)
        count = max(1, min(MOST_READINGS, len(group) * MOST_BYTES // max(1, length)))
        size += length
        if len(part) >= MOST_READINGS or size >= MOST_BYTES:
            yield marshal.dumps(part, PLAIN)
            part, size = [], 0
    if part:
        yield marshal.dumps(part, PLAIN)


def unpack(packed: bytes) -> list[Reading]:
    """Return the readings of a part that `pack` gave."""
    return list(map(_restore, marshal.loads(packed)))  # noqa: S302 - made by `pack`


def _build_entry(reading: Reading, hook: GuardedHook | None, now: datetime) -> Entry | None:
    """Build what is written if nothing else tells of a request; None for what is left to others."""
    if reading.told is None or reading.link.is_own or reading.entry_id or reading.span:
        return None
    row = doubt_clock(identify(reading.told.open(), make_entry_id(reading.link)), now)
    try:
        entry, dropped = build_entry("interaction", row)
        entry, failure = redact(entry, hook)
    except FOREIGN:
        return None
    return None if dropped or failure or entry.unknown else entry


def _flatten(reading: Reading, told: bytes | None, entry: Entry | None) -> _Packed:
    link, ended = reading.link, reading.ended
    return (
        (link.trace_id, link.span_id, link.parent_span_id, link.is_own, link.is_request),
        told,
        None if ended is None else _pick_ended(ended),
        None if entry is None else _pick(entry.row),
        None if entry is None else entry.facts,
        reading.entry_id,
        None if reading.span is None else _flatten_span(reading.span),
    )


def _flatten_span(span: SpanData) -> _Packed:
    source = span.source
    return (
        (span.trace_id, span.span_id, span.parent_span_id, span.name, span.start_ns, span.end_ns),
        {**span.attributes},
        [(event.name, event.time_ns, {**event.attributes}) for event in span.events],
        (span.is_error, span.status_message),
        (source.scope, source.scope_version, {**source.resource}),
    )


def _restore_span(packed: _Packed) -> SpanData:
    place, attributes, events, status, source = packed
    inner = tuple(SpanEvent(*event) for event in events)
    values: _Packed = (*place, attributes, inner, *status, Source(*source))
    return SpanData(*values)


def _restore(packed: _Packed) -> Reading:
    link, told, ended, row, facts, entry_id, span = packed
    if told is None:
        return Reading(Link(*link))
    entry = None
    if row is not None:
        columns = dict(zip(_COLUMNS, row, strict=True))
        entry = Entry("interactions", columns, facts=facts, before=Before.ANYTHING)
    twin = None if ended is None else EndedRequest(*ended)
    whole = None if span is None else _restore_span(span)
    return Reading(Link(*link), Told(None, told, entry), twin, entry_id, whole)
