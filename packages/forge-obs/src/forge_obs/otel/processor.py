"""`ForgeSpanProcessor`: two lines of code, and the requests of a program are on record.

It is called in the host's threads, at the start and the end of every span: it looks at names of
attributes, queues, and returns. Nothing raises into the host, hence the broad `except` clauses.

See D95.
"""

import logging
from collections.abc import Mapping
from threading import RLock
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import get_current_span

from forge_obs.environment.observed import call_at_blocks, is_observed
from forge_obs.environment.process import is_off
from forge_obs.fork_lock import renew_in_child
from forge_obs.otel.calls.lineage import Link
from forge_obs.otel.calls.readings import OWN_SCOPE
from forge_obs.otel.calls.told import measure
from forge_obs.otel.process_recorder import SpanOfInterest, get_process_recorder
from forge_obs.otel.sdk_spans import copy_attributes, format_ids, format_span_id

MOST_PLACES: Final = 20_000
"""How many open spans, of any kind, are remembered; the oldest are let go."""

SHUTDOWN_S: Final = 10.0
"""How long `shutdown` waits at most, in seconds."""

_DEEPEST: Final = 100
"""How many spans around one are remembered."""

_PREFIXES: Final = ("gen_ai.", "llm.", "openinference.", "traceloop.", "embedding.", "ai.")
"""What some attribute of each request begins with, whatever the convention."""

_log: Final = logging.getLogger("forge_obs")


class _Place:
    """Where an open span stands: those around it are known as long as one within it is open.

    Attributes:
        is_own: Whether it, or one around it, is on record without its span.
        depth: How many are known around it.
        may_ask: Whether it may be a request.
        is_within: Whether one around it may be one, too.
    """

    __slots__ = ("around", "context", "depth", "is_own", "is_within", "may_ask", "parent")

    def __init__(self, span: ReadableSpan, around: "_Place | None") -> None:
        self.context = span.get_span_context()
        self.parent = span.parent
        self.is_own: bool = is_observed() or _is_forge(span)
        self.around = around
        self.depth: int = 0
        self.may_ask = _may_be_request(copy_attributes(span.attributes))
        self.is_within: bool = False
        if around is not None:
            self.is_within = around.may_ask or around.is_within
            self.is_own = self.is_own or around.is_own
            self.depth = around.depth + 1
        if self.depth >= _DEEPEST:
            self.around, self.depth = None, 0

    def list_links(self) -> list[Link]:
        """Return its place and those of the spans around it."""
        links: list[Link] = []
        place: _Place | None = self
        while place is not None:
            parent = format_span_id(place.parent)
            links.append(Link(*format_ids(place.context), parent, place.is_own))
            place = place.around
        return links

    def list_links_of_block(self) -> list[Link]:
        """Return the same places, and that of a request within, which is on record already."""
        links = self.list_links()
        made_up = f"{links[0].span_id}/block"
        return [Link(links[0].trace_id, made_up, links[0].span_id, True, True), *links]


class ForgeSpanProcessor(SpanProcessor):
    """Records the requests to models among the spans of a program.

    ```python
    provider = TracerProvider()
    provider.add_span_processor(ForgeSpanProcessor())
    ```

    A request is on record as `started` while it is under way, and complete a moment after it has
    ended. What a thread of its own records, this queues: see `forge_obs.otel.background` for its
    bounds. Spans that a sampler drops never come here.

    Args:
        task_id: What the calls served; the program's `service.name` where it is not given.
    """

    def __init__(self, task_id: str | None = None) -> None:
        self._task_id = task_id
        self._recorder = get_process_recorder()
        self._lock = RLock()
        self._places: dict[int, _Place] = {}
        self._is_shut_down = False
        self._has_failed = False
        call_at_blocks(self._note_block)
        renew_in_child(self._renew)

    def _renew(self) -> None:
        """Begin with a free lock in a child, where the thread that held the old one is not."""
        self._lock = RLock()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002
        """Remember where a span stands; watch it if it is a request."""
        try:
            if not self._is_shut_down and not is_off():
                self._open(span)
        except Exception as error:
            self._fail(error)

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span if it is a request."""
        try:
            self._close(span)
        except Exception as error:
            self._fail(error)

    def shutdown(self) -> None:
        """Record what is queued, and requests under way as started; take no more."""
        self._is_shut_down = True
        self._recorder.flush(SHUTDOWN_S, with_open=True)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Record what is queued; False if that takes longer."""
        return self._recorder.flush(timeout_millis / 1000)

    def _open(self, span: Span) -> None:
        key = _get_key(span)
        with self._lock:
            around = None if span.parent is None else self._places.get(span.parent.span_id)
            place = _Place(span, around)
            if len(self._places) >= MOST_PLACES:
                del self._places[next(iter(self._places))]
            self._places[key] = place
        if place.may_ask and not place.is_own:
            self._recorder.watch(key, SpanOfInterest(span, place.list_links, self._task_id))

    def _close(self, span: ReadableSpan) -> None:
        key = _get_key(span)
        with self._lock:
            place = self._places.pop(key, None)
        self._recorder.unwatch(key)
        if self._is_shut_down or is_off():
            return
        attributes = copy_attributes(span.attributes)
        if _may_be_request(attributes):
            links = list if place is None else place.list_links
            size = measure(attributes) + sum(measure(event.attributes) for event in span.events)
            self._recorder.put(SpanOfInterest(span, links, self._task_id), size)

    def _note_block(self) -> None:
        """Tell that the requests around a block of `observe()` hold one that has a row already."""
        try:
            span = get_current_span()
            place = self._places.get(span.get_span_context().span_id)
            if place is None or not (place.may_ask or place.is_within):
                return
            if self._is_shut_down or is_off():
                return
            if isinstance(span, ReadableSpan):
                item = SpanOfInterest(span, place.list_links_of_block, self._task_id)
                self._recorder.put(item, measure(span.attributes))
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """Say once that something is wrong here; a span is not worth more."""
        if not self._has_failed:
            self._has_failed = True
            _log.warning("ForgeSpanProcessor fails on a span: %s", type(error).__name__)


def _get_key(span: ReadableSpan) -> int:
    context = span.get_span_context()
    return 0 if context is None else context.span_id


def _is_forge(span: ReadableSpan) -> bool:
    scope = span.instrumentation_scope
    return scope is not None and scope.name == OWN_SCOPE


def _may_be_request(attributes: Mapping[str, object]) -> bool:
    return any(name.startswith(_PREFIXES) for name in attributes)
