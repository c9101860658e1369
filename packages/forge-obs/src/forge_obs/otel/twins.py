"""Two spans of one request that do not know of each other. Pure.

Some SDKs make a span for each request, and some instrumentations of theirs make another one around
it without making it the parent: neither is nested in the other, often each is a trace of its own.
They are one request where the provider gave the answer the same id, or where both failed alike, and
one of them lies within the other in time.

See D94.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from forge_obs.otel.spans import SpanData

MOST_REQUESTS: Final = 5_000
"""How many requests are remembered."""

_MOST_ALIKE: Final = 16
"""How many of them that could be one, as in a test whose server always gives the same id."""

Key: TypeAlias = tuple[object, ...]
Place: TypeAlias = tuple[str, str]
"""Trace and span id."""


@dataclass(frozen=True, slots=True)
class _Request:
    place: Place
    parent: str | None
    scope: str
    start_ns: int
    end_ns: int

    def lies_within(self, other: "_Request") -> bool:
        return other.start_ns <= self.start_ns and self.end_ns <= other.end_ns


@dataclass(frozen=True, slots=True)
class Pair:
    """Two spans of one request, the outer one and the inner one."""

    outer: Place
    inner: Place


class Twins:
    """The requests that ended last; not for several threads at once."""

    def __init__(self) -> None:
        self._ended: OrderedDict[Key, deque[_Request]] = OrderedDict()

    def clear(self) -> None:
        """Forget everything."""
        self._ended.clear()

    def find(self, span: SpanData, fields: Mapping[str, object]) -> Pair | None:
        """Find the other span of a request that ended, and remember this one.

        Args:
            span: The request.
            fields: What was read of it.
        """
        key = _make_key(span, fields)
        if key is None or span.end_ns is None:
            return None
        place = (span.trace_id, span.span_id)
        scope = span.source.scope
        own = _Request(place, span.parent_span_id, scope, span.start_ns, span.end_ns)
        alike = self._ended.pop(key, None) or deque(maxlen=_MOST_ALIKE)
        self._ended[key] = alike
        pair = None
        is_known = False
        for other in reversed(alike):
            is_known = is_known or other.place == place
            if pair is None and other.scope != scope:
                pair = _pair(own, other)
        if not is_known:
            alike.append(own)
        while len(self._ended) > MOST_REQUESTS:
            self._ended.popitem(last=False)
        return pair


def _make_key(span: SpanData, fields: Mapping[str, object]) -> Key | None:
    """Return what both spans of a request say of it; None where that is too little.

    Failed requests have no id; they are told by how they failed, in which program, and by what is
    around them: of two programs that a provider turns away at one moment, each has its own request.
    """
    response_id, kind = fields.get("response_id"), fields.get("error_type")
    if kind is None:
        return None if response_id is None else (response_id,)
    model = str(fields.get("request_model"))
    around = (span.trace_id, span.parent_span_id) if span.parent_span_id else ()
    return (kind, fields.get("task_id"), model.rpartition(":")[2], *around)


def _pair(one: _Request, other: _Request) -> Pair | None:
    """Pair what two instrumentations tell of one request; None for two requests."""
    if one.place == other.place:
        return None
    if one.place[1] == other.parent or other.place[1] == one.parent:
        return None
    if one.lies_within(other):
        return Pair(other.place, one.place)
    return Pair(one.place, other.place) if other.lies_within(one) else None
