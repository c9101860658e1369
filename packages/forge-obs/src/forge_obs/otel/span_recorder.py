"""Recording what spans and events tell, from whatever source.

Nothing here raises: what cannot be read costs itself alone, hence the broad `except` clauses.

See D95.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from threading import RLock

from forge_obs.bulk import Fate, record_rows, remove_calls
from forge_obs.delivery import warn_at_times
from forge_obs.fork_lock import renew_in_child
from forge_obs.model.entries import Entry
from forge_obs.otel.calls.call_rows import CallRows, Changes
from forge_obs.otel.calls.lineage import MOST_SPANS, Lineage, Link
from forge_obs.otel.calls.packing import unpack
from forge_obs.otel.calls.readings import Reading, group_events, read_group, read_span
from forge_obs.otel.calls.told import Fields
from forge_obs.otel.conventions.columns import UNKNOWN_TASK, doubt_clock
from forge_obs.otel.spans import LogEvent, SpanData


class SpanRecorder:
    """Turns spans and events into rows, and writes these; usable from threads, and after a fork.

    Args:
        task_id: What the calls served; `service.name` of their program where it is not given.
        fallback: What stands in where that names none either.
        most_spans: How many spans are remembered, to tell which of two nested ones is the row.
    """

    def __init__(
        self,
        task_id: str | None = None,
        *,
        fallback: str = UNKNOWN_TASK,
        most_spans: int = MOST_SPANS,
    ) -> None:
        self._task_id = task_id
        self._fallback = fallback
        self._rows = CallRows(Lineage(most_spans))
        self._lock = RLock()
        self._call_count = 0
        renew_in_child(self._renew)

    @property
    def call_count(self) -> int:
        """How many calls it has put on record, each once, however much told of it."""
        return self._call_count

    def record(
        self,
        spans: Sequence[SpanData],
        events: Sequence[LogEvent] = (),
        links: Iterable[Link] = (),
        *,
        task_id: str | None = None,
    ) -> list[Fate]:
        """Record the requests among spans, and what events tell of such; never raises.

        Args:
            spans: Open or ended ones, of any kind; those that ask no model say who is inside whom.
            events: What was logged beside them.
            links: Places of other spans, which say the same.
            task_id: What these calls served, where it is not what all do.

        Returns:
            What became of each row that was written; spans that are no requests give none.
        """
        return self._record(_read(spans, events), links, task_id or self._task_id)

    def record_packed(self, packed: bytes) -> list[Fate]:
        """Record what another process has read of spans and events, see `pack`.

        Returns:
            What became of each row that was written.

        Raises:
            ValueError: It was not packed by this version.
        """
        return self._record(unpack(packed), (), self._task_id)

    def _record(
        self, readings: Sequence[Reading], links: Iterable[Link], task_id: str | None
    ) -> list[Fate]:
        # Removed and written under the lock: what removes a row must come after what wrote it.
        with self._lock:
            changes = self._take(readings, links, task_id)
            if changes.removed:
                remove_calls(changes.removed)
            self._call_count += changes.more_calls
            now = datetime.now(UTC)
            return record_rows([self._name_task(row, now) for row in changes.rows])

    def _take(
        self, readings: Sequence[Reading], links: Iterable[Link], task_id: str | None
    ) -> Changes:
        try:
            return self._rows.take(readings, links, task_id)
        except Exception as error:
            if len(readings) <= 1:
                _warn(error)
                return Changes()
        parts = [self._take([reading], (), task_id) for reading in readings]
        return Changes(
            [row for part in parts for row in part.rows],
            [entry_id for part in parts for entry_id in part.removed],
            sum(part.more_calls for part in parts),
        )

    def _name_task(self, row: Fields | Entry, now: datetime) -> Mapping[str, object] | Entry:
        if isinstance(row, Entry):
            if row.row["task_id"] == UNKNOWN_TASK:
                row.row["task_id"] = self._fallback
            return row
        is_named = row.get("task_id") not in {None, UNKNOWN_TASK}
        return doubt_clock(row if is_named else {**row, "task_id": self._fallback}, now)

    def _renew(self) -> None:
        """Begin anew in a child, where the thread that held the lock is not."""
        self._lock = RLock()
        self._rows.clear()


def _read(spans: Iterable[SpanData], events: Iterable[LogEvent]) -> list[Reading]:
    """Read spans and events; what cannot be read is left out, with a warning."""
    readings: list[Reading] = []
    for span in spans:
        try:
            readings.append(read_span(span))
        except Exception as error:
            _warn(error)
    for group in group_events(events):
        readings += _read_group(group)
    return readings


def _read_group(events: Sequence[LogEvent]) -> list[Reading]:
    try:
        reading = read_group(events)
    except Exception as error:
        if len(events) > 1:
            return [reading for event in events for reading in _read_group([event])]
        _warn(error)
        return []
    return [] if reading is None else [reading]


def _warn(error: Exception) -> None:
    kind = f"a span that cannot be read: {type(error).__name__}"
    warn_at_times(kind, "not recorded: %s", kind)
