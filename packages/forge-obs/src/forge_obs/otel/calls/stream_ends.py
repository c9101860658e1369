"""The end of a stream that a span of its own tells of, as Logfire's instrumentations do. Pure.

They end the span of a request as soon as its stream begins, and tell of the answer when the stream
was read: by a span without duration, which names no other one. Both carry the same request.

See D103.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from forge_obs.model.sanitize import clean_real
from forge_obs.otel.calls.twins import MOST_REQUESTS, Place
from forge_obs.otel.spans import INSTANCE, Source, SpanData

_ASKED: Final = ("request_data", "gen_ai.input.messages")
"""Attributes that both spans have alike."""

_MOST_ALIKE: Final = 64
"""How many streams of the same request are remembered."""

_TYPE: Final = "logfire.span_type"
_TYPES: Final = ("span", "log")

_COMMON: Final = ("trace_id", "span_id", "parent_span_id", "created_at")
"""What the span of a request tells of its place and time."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """The span of a request whose answer may come yet, and what was read of it."""

    span: SpanData
    told: Mapping[str, object]


def is_part_of_stream(span: SpanData) -> bool:
    """Return whether a request may be one whose end a span of its own tells of, or that span."""
    return span.end_ns is not None and span.attributes.get(_TYPE) in _TYPES


class StreamEnds:
    """The requests that ended last without an answer; not for several threads at once."""

    def __init__(self) -> None:
        self._begun: OrderedDict[object, deque[_Begun]] = OrderedDict()
        self._joined: OrderedDict[Place, _Begun] = OrderedDict()

    def clear(self) -> None:
        """Forget everything."""
        self._begun.clear()
        self._joined.clear()

    def join(
        self, span: SpanData, fields: Mapping[str, object]
    ) -> tuple[SpanData, Mapping[str, object]]:
        """Return a request as a whole where this span tells of its end, else as it is told.

        Args:
            span: A request; one without an answer is remembered.
            fields: What was read of it.
        """
        if span.end_ns is None or not is_part_of_stream(span):
            return span, fields
        asked = (span.attributes.get(name) for name in _ASKED)
        texts = tuple(text if isinstance(text, str) else "" for text in asked)
        key = (span.source.scope, span.source.instance, hash(texts))
        if span.attributes.get(_TYPE) == "span":
            self._remember(key, span, fields)
            return span, fields
        begun = self._joined.get(_place(span)) or self._take(key, span)
        if begun is None:
            return span, fields
        self._note_joined(span, begun)
        whole = replace(
            begun.span, end_ns=span.end_ns, is_error=span.is_error, attributes=span.attributes
        )
        latency_ms = (span.end_ns - begun.span.start_ns) / 1e6
        return whole, {**fields, **begun.told, "latency_ms": latency_ms}

    def _remember(self, key: object, span: SpanData, fields: Mapping[str, object]) -> None:
        messages = fields.get("messages")
        is_answered = isinstance(messages, Mapping) and "output" in messages
        if fields.get("status") != "ok" or is_answered or _place(span) in self._joined:
            return
        alike = self._begun.pop(key, None) or deque(maxlen=_MOST_ALIKE)
        self._begun[key] = alike
        place = _shorten(span)
        if all(begun.span != place for begun in alike):
            alike.append(_Begun(place, {name: fields.get(name) for name in _COMMON}))
        while len(self._begun) > MOST_REQUESTS:
            self._begun.popitem(last=False)

    def _note_joined(self, end: SpanData, begun: _Begun) -> None:
        """Remember what belongs together: an exporter may tell of either span again."""
        for span in (end, begun.span):
            self._joined[_place(span)] = begun
        while len(self._joined) > 2 * MOST_REQUESTS:
            self._joined.popitem(last=False)

    def _take(self, key: object, end: SpanData) -> _Begun | None:
        """Take the request whose stream began when this one did, as near as is known."""
        seconds = clean_real(end.attributes.get("duration"))[0]
        alike = self._begun.get(key, ())
        before = [begun for begun in alike if (begun.span.end_ns or 0) <= end.start_ns]
        if not before or not isinstance(alike, deque):
            return None
        began = end.start_ns - seconds * 1e9
        begun = min(before, key=lambda known: abs((known.span.end_ns or 0) - began))
        alike.remove(begun)
        return begun


def _shorten(span: SpanData) -> SpanData:
    """Return a span without what is not asked for again, whatever its size."""
    source = Source(span.source.scope, "", {INSTANCE: span.source.instance})
    return replace(span, name="", attributes={}, events=(), status_message="", source=source)


def _place(span: SpanData) -> Place:
    return span.trace_id, span.span_id
