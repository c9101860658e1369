"""One recorder for all that instruments this process, and the thread that it works in.

A processor, an exporter and a completion hook tell of the same spans: only together they know
which of two nested requests is the row, and what is on record already. A span that cannot be read
is lost, and no other; hence a broad `except` clause.

See D95.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Final, TypeVar

from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import ReadableSpan

from forge_obs.bulk import Fate
from forge_obs.delivery import lose
from forge_obs.environment.process import get_db_path
from forge_obs.fork_lock import renew_in_child
from forge_obs.otel.background import GATHER_S, BackgroundQueue
from forge_obs.otel.calls.lineage import Link
from forge_obs.otel.conventions.columns import UNKNOWN_TASK
from forge_obs.otel.sdk_spans import read_log, read_span
from forge_obs.otel.span_recorder import SpanRecorder
from forge_obs.otel.spans import SpanData

Item = TypeVar("Item")
Value = TypeVar("Value")

OPEN_S: Final = 0.1
"""How long a request is under way before it is recorded as such, in seconds."""

MOST_OPEN: Final = 10_000
"""How many requests are watched while they are under way; the oldest are let go."""

_MOST_LOOKS: Final = round(2 / GATHER_S)
"""How often a span with content is read again until it has ended: for two seconds."""

_SUPPRESS: Final = getattr(otel_context, "_SUPPRESS_INSTRUMENTATION_KEY", None)


@dataclass(frozen=True, slots=True)
class SpanOfInterest:
    """A span that may be a request, and what is known besides.

    Attributes:
        list_links: Returns the places of the spans around it.
        task_id: What the calls of its processor serve, if that was said.
        content: Attributes that it does not carry.
        started_at: When it was handed over first, in seconds of the monotonic clock.
        looks: How often it was read.
    """

    span: ReadableSpan = field(repr=False)
    list_links: Callable[[], list[Link]] = list
    task_id: str | None = None
    content: Mapping[str, object] = field(default_factory=dict, repr=False)
    started_at: float = field(default_factory=time.monotonic)
    looks: int = 0


class ProcessRecorder:
    """Records in a thread of its own what processors and hooks hand it."""

    def __init__(self) -> None:
        self._recorder = SpanRecorder(fallback=name_program())
        self._queue = BackgroundQueue(self._work, self._lose)
        self._renew()
        renew_in_child(self._renew)

    def _renew(self) -> None:
        """Begin anew; in a child, where requests under way are left to its parent."""
        self._lock = RLock()
        self._open: dict[int, SpanOfInterest] = {}
        self._looks_at_all = False

    def watch(self, key: int, item: SpanOfInterest) -> None:
        """Record a request as started, unless it ends soon."""
        with self._lock:
            if len(self._open) >= MOST_OPEN:
                del self._open[next(iter(self._open))]
            self._open[key] = item
        self._queue.wake()

    def unwatch(self, key: int) -> None:
        """Let a request go that has ended."""
        with self._lock:
            self._open.pop(key, None)

    def put(self, item: SpanOfInterest, size: int) -> None:
        """Queue a span that has ended, or content of one; it takes that many bytes."""
        self._queue.put(item, size)

    def record(self, spans: Iterable[ReadableSpan]) -> list[Fate]:
        """Record spans in the calling thread, which is another one's for that."""
        return self._recorder.record(self._read_each(_read, map(SpanOfInterest, spans)))

    def record_logs(self, records: Iterable[object]) -> list[Fate]:
        """Record what was logged of requests, in the calling thread."""
        events = self._read_each(read_log, records)
        return self._recorder.record((), [event for event in events if event is not None])

    def flush(self, timeout_s: float, *, with_open: bool = False) -> bool:
        """Wait until all that was handed over is recorded; False if that takes longer.

        Args:
            timeout_s: How long to wait at most, in seconds.
            with_open: Record requests under way as well, however short a time they are.
        """
        self._looks_at_all = self._looks_at_all or with_open
        return self._queue.flush(timeout_s)

    def _work(self, batch: list[SpanOfInterest]) -> bool:
        by_task: dict[str | None, list[SpanOfInterest]] = {}
        for item in self._take_due() + batch:
            by_task.setdefault(item.task_id, []).append(item)
        with suppressed_instrumentation():
            for task_id, items in by_task.items():
                links = [link for item in items for link in item.list_links()]
                spans = self._read_each(_read, items)
                self._recorder.record(spans, (), links, task_id=task_id)
        self._look_again(batch)
        return bool(self._open)

    def _read_each(self, read: Callable[[Item], Value], items: Iterable[Item]) -> list[Value]:
        """Read what the host has; what cannot be read is lost."""
        values: list[Value] = []
        for item in items:
            try:
                values.append(read(item))
            except Exception as error:
                self._lose(1, f"a span cannot be read: {type(error).__name__}")
        return values

    def _look_again(self, items: Iterable[SpanOfInterest]) -> None:
        """Queue content of spans that have not ended yet, whose figures come with their end."""
        for item in items:
            if item.content and item.span.end_time is None and item.looks < _MOST_LOOKS:
                self._queue.put(replace(item, looks=item.looks + 1), 0)

    def _take_due(self) -> list[SpanOfInterest]:
        """Take the requests that are under way for a while, and have not ended meanwhile."""
        before = time.monotonic() - (0 if self._looks_at_all else OPEN_S)
        self._looks_at_all = False
        with self._lock:
            due = [key for key, item in self._open.items() if item.started_at <= before]
            items = [self._open.pop(key) for key in due]
        return [item for item in items if item.span.end_time is None]

    def _lose(self, number: int, reason: str) -> None:
        lose(get_db_path(), reason, number)


@cache
def get_process_recorder() -> ProcessRecorder:
    """Return the recorder of this process."""
    return ProcessRecorder()


def name_program() -> str:
    """Return the name of this process's program, as its user would say it."""
    path = Path(sys.argv[0] if getattr(sys, "argv", None) else "")
    name = path.parent.name if path.stem == "__main__" else path.stem
    return name if name and name != "-c" else UNKNOWN_TASK


def _read(item: SpanOfInterest) -> SpanData:
    data = read_span(item.span)
    if not item.content:
        return data
    content = {name: _read_plain(value) for name, value in item.content.items()}
    return replace(data, attributes={**data.attributes, **content})


def _read_plain(value: object) -> object:
    """Return what a list of an SDK's dataclasses holds."""
    if isinstance(value, list):
        return [_read_plain(part) for part in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


@contextmanager
def suppressed_instrumentation() -> Iterator[None]:
    """Keep what is done here out of the host's own spans."""
    if _SUPPRESS is None:
        yield
        return
    token = otel_context.attach(otel_context.set_value(_SUPPRESS, True))
    try:
        yield
    finally:
        otel_context.detach(token)
