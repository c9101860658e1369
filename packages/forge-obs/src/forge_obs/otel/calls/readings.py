"""What one span, or the events of one, tell, read without knowing of any other. Pure.

See D99.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Final
from uuid import UUID, uuid5

from forge_obs.otel.calls.lineage import Link
from forge_obs.otel.calls.stream_ends import is_part_of_stream
from forge_obs.otel.calls.told import Fields, Told
from forge_obs.otel.calls.twins import EndedRequest, describe_ended
from forge_obs.otel.conventions import read_events, read_request
from forge_obs.otel.spans import LogEvent, SpanData

CALLS: Final = UUID("0d6b1c5e-3f0f-5b39-9d0a-6a0c3c1f7e52")
"""Namespace of the ids of calls that spans tell of."""

OWN_SCOPE: Final = "forge"
"""Instrumentation scope of Forge's own spans and events, whose calls are on record without them."""

_PROMPTS: Final = ("system_prompt", "user_prompt")


@dataclass(slots=True)
class Reading:
    """What one span, or the events of one, tell.

    Attributes:
        told: What they tell of a request to a model; None for a span that is none.
        span: The span itself, where its stream may end by another one.
        ended: The request as its twin would be recognised by, if it has ended.
        entry_id: Of the call, where no span names it.
    """

    link: Link
    told: Told | None = None
    ended: EndedRequest | None = None
    entry_id: str = ""
    span: SpanData | None = None


def read_span(span: SpanData) -> Reading:
    """Read a span of any kind."""
    return describe(span, read_request(span))


def describe(span: SpanData, fields: Fields | None) -> Reading:
    """Describe a span by what was read of it, None where it is no request."""
    is_own = span.source.scope == OWN_SCOPE
    link = Link(span.trace_id, span.span_id, span.parent_span_id, is_own, fields is not None)
    if fields is None:
        return Reading(link)
    streamed = span if is_part_of_stream(span) else None
    return Reading(link, Told(fields), describe_ended(span, fields), span=streamed)


def read_group(events: Sequence[LogEvent]) -> Reading | None:
    """Read events of one span; None for those that tell of no call, or of Forge's own."""
    first = events[0]
    fields = None if first.source.scope == OWN_SCOPE else read_events(events)
    if fields is None:
        return None
    if first.span_id.strip("0"):
        return Reading(Link(first.trace_id, first.span_id, is_request=True), Told(fields))
    entry_id = uuid5(CALLS, f"{first.trace_id}/{first.span_id}/{first.time_ns}").hex
    return Reading(Link(first.trace_id, first.span_id), Told(fields), entry_id=entry_id)


def read_all(spans: Iterable[SpanData], events: Iterable[LogEvent] = ()) -> Iterator[Reading]:
    """Read spans, and then events."""
    yield from map(read_span, spans)
    yield from filter(None, map(read_group, group_events(events)))


def group_events(events: Iterable[LogEvent]) -> list[list[LogEvent]]:
    """Put events of one span together; those of none stay alone."""
    groups: dict[object, list[LogEvent]] = {}
    for number, event in enumerate(events):
        key = (event.trace_id, event.span_id) if event.span_id.strip("0") else number
        groups.setdefault(key, []).append(event)
    return list(groups.values())


def make_entry_id(link: Link) -> str:
    """Return the id of the call that a span tells of, whoever delivers it and how often."""
    # What `uuid5` does, without an object for it: each span needs one.
    name = f"{link.trace_id}/{link.span_id}".encode("utf-8", "surrogatepass")
    digest = bytearray(sha1(CALLS.bytes + name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return digest.hex()


def identify(fields: Mapping[str, object], entry_id: str) -> Fields:
    """Return what to record; prompts that are empty beside messages are taken from these."""
    row = {name: value for name, value in fields.items() if value is not None}
    for name in _PROMPTS:
        if row.get("messages") and not row.get(name):
            row.pop(name, None)
        else:
            row.setdefault(name, "")
    row["entry_id"] = entry_id
    return row
