"""What spans and events make of rows: one for each request, whatever told of it. Pure.

A request inside another one is the row, and the outer one is not; what only the outer one knew is
handed down. What is told of a request twice, by its span and its events, or by one that is open
and then ended, comes together here, so that no column is written in two versions.

See D95.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Final
from uuid import UUID, uuid5

import orjson

from forge_obs.model.columns import STARTED
from forge_obs.otel.conventions import complete, read_events, read_request
from forge_obs.otel.lineage import MOST_LOOKS, Lineage, Link, SpanNode
from forge_obs.otel.spans import LogEvent, SpanData
from forge_obs.otel.stream_ends import StreamEnds
from forge_obs.otel.twins import Twins

Fields = dict[str, object]
"""Keywords of `record("interaction", ...)`."""

CALLS: Final = UUID("0d6b1c5e-3f0f-5b39-9d0a-6a0c3c1f7e52")
"""Namespace of the ids of calls that spans tell of."""

OWN_SCOPE: Final = "forge"
"""Instrumentation scope of Forge's own spans and events, whose calls are on record without them."""

MOST_KEPT_BYTES: Final = 8_000_000
"""How much of what was told is kept for what may be told later."""

_MOST_MEASURED: Final = 20_000
"""How many values are measured one by one; what else there is counts as small."""

_VALUE_BYTES: Final = 100
"""How much a value takes about besides its text."""

_PROMPTS: Final = ("system_prompt", "user_prompt")
_TEXTS: Final = (*_PROMPTS, "response", "messages", "explanation")
"""What makes two finished calls two rows where both have it, and not the same."""


@dataclass
class Changes:
    """What is to be done to the store.

    Attributes:
        rows: Keywords of `record("interaction", ...)` for each.
        removed: Ids of calls that have a row and should have none.
        more_calls: How many more calls are on record then; less than no more where one was removed.
    """

    rows: list[Fields] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    more_calls: int = 0


class CallRows:
    """Turns what spans and events tell into rows; not for several threads at once."""

    def __init__(self, lineage: Lineage | None = None) -> None:
        self._lineage = Lineage() if lineage is None else lineage
        self._kept: OrderedDict[SpanNode, tuple[Fields, int]] = OrderedDict()
        self._kept_bytes = 0
        self._told: dict[SpanNode, Fields] = {}
        self._twins = Twins(self._lineage, self._recall)
        self._stream_ends = StreamEnds()

    def clear(self) -> None:
        """Forget everything."""
        self._lineage.clear()
        self._twins.clear()
        self._stream_ends.clear()
        self._kept.clear()
        self._told = {}
        self._kept_bytes = 0

    def take(
        self,
        spans: Sequence[SpanData],
        events: Sequence[LogEvent] = (),
        links: Iterable[Link] = (),
        task_id: str | None = None,
    ) -> Changes:
        """Return what is to be written now that these are known.

        Args:
            spans: Open or ended ones, of any kind; those that ask no model say who is inside whom.
            events: What was logged beside them.
            links: Places of other spans, which say the same.
            task_id: What the calls served, whatever the spans say.
        """
        for link in links:
            self._lineage.place(link)
        changes = Changes()
        told = self._told = {}
        for span in spans:
            self._take_span(span, told)
        for group in _group(events):
            self._take_events(group, told, changes)
        for node in self._lineage.take_superseded():
            self._remove(node, told, changes)
        self._hand_down(told)
        for node, fields in told.items():
            if not node.is_own and not node.is_above_request:
                changes.more_calls += not node.has_row
                node.has_row = True
                if task_id is not None:
                    fields["task_id"] = task_id
                changes.rows.append(_identify(fields, make_entry_id(node.link)))
                self._keep(node, fields)
        self._told = {}
        return changes

    def _take_span(self, span: SpanData, told: dict[SpanNode, Fields]) -> None:
        fields: Mapping[str, object] | None = read_request(span)
        is_own = span.source.scope == OWN_SCOPE
        if fields is not None:
            span, fields = self._stream_ends.join(span, fields)
        link = Link(span.trace_id, span.span_id, span.parent_span_id, is_own)
        node = self._lineage.place(link, is_request=fields is not None)
        if fields is not None:
            told[node] = self._combine(node, fields)
            pair = self._twins.find(span, fields)
            if pair is not None:
                self._lineage.nest(Link(*pair.inner), Link(*pair.outer))

    def _take_events(
        self, events: Sequence[LogEvent], told: dict[SpanNode, Fields], changes: Changes
    ) -> None:
        first = events[0]
        fields = None if first.source.scope == OWN_SCOPE else read_events(events)
        if fields is None:
            return
        if not first.span_id.strip("0"):
            entry_id = uuid5(CALLS, f"{first.trace_id}/{first.span_id}/{first.time_ns}").hex
            changes.rows.append(_identify(fields, entry_id))
            changes.more_calls += 1
            return
        node = self._lineage.place(Link(first.trace_id, first.span_id), is_request=True)
        told[node] = self._combine(node, fields)

    def _recall(self, node: SpanNode) -> Fields:
        """Return what was told of a request, as far as it is not forgotten."""
        return self._told.get(node) or self._kept.get(node, ({}, 0))[0]

    def _combine(self, node: SpanNode, fields: Mapping[str, object]) -> Fields:
        """Put what is told now beside what is known; a finished call keeps the texts it has."""
        known = self._recall(node)
        if known.get("status") not in {None, STARTED}:
            if fields.get("status") == STARTED:
                return _fill(known, fields)
            fields = _fill({name: known[name] for name in _TEXTS if known.get(name)}, fields)
        return _fill(fields, known)

    def _remove(self, node: SpanNode, told: dict[SpanNode, Fields], changes: Changes) -> None:
        node.has_row = False
        changes.removed.append(make_entry_id(node.link))
        changes.more_calls -= 1
        known, size = self._kept.pop(node, ({}, 0))
        self._kept_bytes -= size
        told.setdefault(node, known)

    def _hand_down(self, told: dict[SpanNode, Fields]) -> None:
        """Give what outer requests know to the only inner one, the nearest one's first."""
        looks = iter(range(MOST_LOOKS))
        for outer in sorted(filter(_is_outer, told), key=_count_ancestors, reverse=True):
            inner = outer.find_inner_request(looks)
            if inner is None or inner.is_own:
                continue
            known = self._recall(inner)
            if known:
                filled = complete(known, told[outer])
                if filled != known:
                    told[inner] = filled

    def _keep(self, node: SpanNode, fields: Fields) -> None:
        self._kept_bytes -= self._kept.pop(node, ({}, 0))[1]
        size = measure(fields)
        self._kept[node] = fields, size
        self._kept_bytes += size
        while self._kept_bytes > MOST_KEPT_BYTES:
            self._kept_bytes -= self._kept.popitem(last=False)[1][1]


def make_entry_id(link: Link) -> str:
    """Return the id of the call that a span tells of, whoever delivers it and how often."""
    # What `uuid5` does, without an object for it: each span needs one.
    name = f"{link.trace_id}/{link.span_id}".encode("utf-8", "surrogatepass")
    digest = bytearray(sha1(CALLS.bytes + name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return digest.hex()


def measure(value: object) -> int:
    """Return about how many bytes of memory a value takes."""
    try:
        text = orjson.dumps(value)
    except TypeError:  # an object, a large number, a text that is no Unicode: each is looked at
        return _measure_each(value)
    return len(text) + _VALUE_BYTES * text.count(b",")


def _measure_each(value: object) -> int:
    size, waiting = 0, [value]
    for _ in range(_MOST_MEASURED):
        if not waiting:
            break
        current = waiting.pop()
        size += 56
        kind = type(current)  # nearly all are what JSON is parsed into, and told at less cost so
        if kind is str or isinstance(current, str | bytes):
            size += len(current)  # type: ignore[arg-type]
        elif kind is dict or isinstance(current, Mapping):
            waiting += current.values()  # type: ignore[attr-defined]
            size += 64 * len(current)  # type: ignore[arg-type]
        elif current is None or kind is int or kind is float:
            continue
        elif isinstance(current, list | tuple):
            waiting += current
        elif hasattr(current, "__dict__"):
            waiting.append(vars(current))
    return size + 100 * len(waiting)


def _is_outer(node: SpanNode) -> bool:
    return node.is_above_request


def _count_ancestors(node: SpanNode) -> int:
    return sum(1 for _ in node.list_ancestors())


def _group(events: Iterable[LogEvent]) -> list[list[LogEvent]]:
    """Put events of one span together; those of none stay alone."""
    groups: dict[object, list[LogEvent]] = {}
    for number, event in enumerate(events):
        key = (event.trace_id, event.span_id) if event.span_id.strip("0") else number
        groups.setdefault(key, []).append(event)
    return list(groups.values())


def _fill(known: Mapping[str, object], more: Mapping[str, object]) -> Fields:
    """Return what is known, with more where it says nothing; messages by their parts."""
    filled = dict(known)
    for name, value in more.items():
        own = filled.get(name)
        if own is None or own == "":
            filled[name] = value
        elif name == "messages" and isinstance(own, Mapping) and isinstance(value, Mapping):
            filled[name] = {**value, **{part: held for part, held in own.items() if held}}
    return filled


def _identify(fields: Mapping[str, object], entry_id: str) -> Fields:
    """Return what to record; prompts that are empty beside messages are taken from these."""
    row = {name: value for name, value in fields.items() if value is not None}
    for name in _PROMPTS:
        if row.get("messages") and not row.get(name):
            row.pop(name, None)
        else:
            row.setdefault(name, "")
    row["entry_id"] = entry_id
    return row
