"""What spans and events make of rows, in the words of `record()`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from forge_obs.otel import LogEvent, SpanData
from forge_obs.otel.calls.call_rows import CallRows
from forge_obs.otel.calls.lineage import Lineage, Link
from forge_obs.otel.calls.readings import read_all


@dataclass(frozen=True, slots=True)
class RowChanges:
    """What is to be done to the store; see `Changes`."""

    rows: Sequence[dict[str, Any]]
    removed: Sequence[str]
    more_calls: int


class Rows:
    """The rows of spans that are read where they are recorded."""

    def __init__(self, lineage: Lineage | None = None) -> None:
        self.inner = CallRows(lineage)

    def take(
        self,
        spans: Iterable[SpanData],
        events: Iterable[LogEvent] = (),
        links: Iterable[Link] = (),
        task_id: str | None = None,
    ) -> RowChanges:
        """Return what is to be written now that these are known."""
        changes = self.inner.take(read_all(spans, events), links, task_id)
        rows = [row for row in changes.rows if isinstance(row, dict)]
        assert len(rows) == len(changes.rows)
        return RowChanges(rows, changes.removed, changes.more_calls)
