"""What spans and events make of rows: one for each request, whatever told of it. Pure.

A request inside another one is the row, and the outer one is not; what only the outer one knew is
handed down. What is told of a request twice, by its span and its events, or by one that is open
and then ended, comes together here, so that no column is written in two versions.

See D95.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from forge_obs.model.columns import STARTED
from forge_obs.model.entries import Entry
from forge_obs.otel.calls.lineage import MOST_LOOKS, Lineage, Link, SpanNode
from forge_obs.otel.calls.readings import Reading, describe, identify, make_entry_id
from forge_obs.otel.calls.stream_ends import StreamEnds
from forge_obs.otel.calls.told import Fields, Told
from forge_obs.otel.calls.twins import Twins
from forge_obs.otel.conventions import complete

MOST_KEPT_BYTES: Final = 8_000_000
"""How much of what was told is kept for what may be told later."""

_TEXTS: Final = ("system_prompt", "user_prompt", "response", "messages", "explanation")
"""What makes two finished calls two rows where both have it, and not the same."""

_UNKNOWN: Final = (Told({}), 0)


@dataclass
class Changes:
    """What is to be done to the store.

    Attributes:
        rows: Keywords of `record("interaction", ...)` for each, or what was built of them already.
        removed: Ids of calls that have a row and should have none.
        more_calls: How many more calls are on record then; less than no more where one was removed.
    """

    rows: list[Fields | Entry] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    more_calls: int = 0


class CallRows:
    """Turns what spans and events tell into rows; not for several threads at once."""

    def __init__(self, lineage: Lineage | None = None) -> None:
        self._lineage = Lineage() if lineage is None else lineage
        self._kept: OrderedDict[SpanNode, tuple[Told, int]] = OrderedDict()
        self._kept_bytes = 0
        self._told: dict[SpanNode, Told] = {}
        self._twins = Twins(self._lineage, lambda node: self._find_known(node).open())
        self._stream_ends = StreamEnds()

    def clear(self) -> None:
        """Forget everything."""
        self._lineage.clear()
        self._twins.clear()
        self._stream_ends.clear()
        self._told = {}
        self._kept.clear()
        self._kept_bytes = 0

    def take(
        self, readings: Iterable[Reading], links: Iterable[Link] = (), task_id: str | None = None
    ) -> Changes:
        """Return what is to be written now that these are known.

        Args:
            readings: Of spans of any kind, and of events; those that tell of no request say who is
                inside whom.
            links: Places of other spans, which say the same.
            task_id: What the calls served, whatever the spans say.
        """
        for link in links:
            self._lineage.place(link)
        changes = Changes()
        told = self._told = {}
        for reading in readings:
            if reading.told is not None and reading.entry_id:
                changes.rows.append(identify(reading.told.open(), reading.entry_id))
                changes.more_calls += 1
                continue
            self._take_reading(reading, told)
        for node in self._lineage.take_superseded():
            self._remove(node, told, changes)
        self._hand_down(told)
        for node, known in told.items():
            if not node.is_own and not node.is_above_request:
                changes.more_calls += not node.has_row
                node.has_row = True
                if task_id is not None:
                    known = Told({**known.open(), "task_id": task_id})  # noqa: PLW2901
                changes.rows.append(_finish(known, node.link))
                self._keep(node, known)
        self._told = {}
        return changes

    def _take_reading(self, reading: Reading, told: dict[SpanNode, Told]) -> None:
        request = reading.told
        if reading.span is not None and request is not None:
            span, fields = self._stream_ends.join(reading.span, request.open())
            if span is not reading.span:
                reading = describe(span, dict(fields))
                request = reading.told
        node = self._lineage.place(reading.link)
        if request is None:
            return
        told[node] = self._combine(node, request)
        pair = None if reading.ended is None else self._twins.find(reading.ended, request)
        if pair is not None:
            self._lineage.nest(Link(*pair.inner), Link(*pair.outer))

    def _find_known(self, node: SpanNode) -> Told:
        """Return what was told of a request, as far as it is not forgotten."""
        known = self._told.get(node)
        return self._kept.get(node, _UNKNOWN)[0] if known is None or known.is_empty else known

    def _combine(self, node: SpanNode, request: Told) -> Told:
        """Put what is told now beside what is known; a finished call keeps the texts it has."""
        known = self._find_known(node)
        if known.is_empty:
            return request
        fields, before = request.open(), known.open()
        if before.get("status") not in {None, STARTED}:
            if fields.get("status") == STARTED:
                return Told(_fill(before, fields))
            fields = _fill({name: before[name] for name in _TEXTS if before.get(name)}, fields)
        return Told(_fill(fields, before))

    def _remove(self, node: SpanNode, told: dict[SpanNode, Told], changes: Changes) -> None:
        node.has_row = False
        changes.removed.append(make_entry_id(node.link))
        changes.more_calls -= 1
        known, size = self._kept.pop(node, _UNKNOWN)
        self._kept_bytes -= size
        told.setdefault(node, known)

    def _hand_down(self, told: dict[SpanNode, Told]) -> None:
        """Give what outer requests know to the only inner one, the nearest one's first."""
        looks = iter(range(MOST_LOOKS))
        for outer in sorted(filter(_is_outer, told), key=_count_ancestors, reverse=True):
            inner = outer.find_inner_request(looks)
            if inner is None or inner.is_own:
                continue
            known = self._find_known(inner)
            if not known.is_empty:
                fields = known.open()
                filled = complete(fields, told[outer].open())
                if filled != fields:
                    told[inner] = Told(filled)

    def _keep(self, node: SpanNode, known: Told) -> None:
        self._kept_bytes -= self._kept.pop(node, _UNKNOWN)[1]
        size = known.size
        self._kept[node] = known, size
        self._kept_bytes += size
        while self._kept_bytes > MOST_KEPT_BYTES:
            self._kept_bytes -= self._kept.popitem(last=False)[1][1]


def _finish(known: Told, link: Link) -> Fields | Entry:
    """Return what is to be written of a call."""
    entry, known.entry = known.entry, None  # kept is what it is made of
    return identify(known.open(), make_entry_id(link)) if entry is None else entry


def _is_outer(node: SpanNode) -> bool:
    return node.is_above_request


def _count_ancestors(node: SpanNode) -> int:
    return sum(1 for _ in node.list_ancestors())


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
