"""When each attempt of a run did what, in seconds since the run began; pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from forge_obs import Interaction

from forge_cli.views.outline import LONGEST_MS, AttemptOutline, Outline, UnitOutline


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing that went on without a break."""

    activity: str
    start_s: float
    end_s: float
    failed: bool = False
    """Whether it was a request that failed."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What one attempt, or the planner, did."""

    unit: UnitOutline | None
    """None for the planner."""
    attempt: AttemptOutline | None
    bars: tuple[Bar, ...]

    @property
    def start_s(self) -> float:
        """When it began."""
        return min((bar.start_s for bar in self.bars), default=0.0)

    @property
    def end_s(self) -> float:
        """When it ended, or was last seen."""
        return max((bar.end_s for bar in self.bars), default=0.0)


def build_timeline(outline: Outline, began: datetime) -> list[Lane]:
    """Lay out a run: the planner, then each attempt, those of sub-tasks before their step's."""
    lanes = [Lane(None, None, tuple(_list_requests(outline.planner, began)))]
    for unit in outline.units:
        lanes += _list_lanes(unit, began)
    return [lane for lane in lanes if lane.bars]


def _list_lanes(unit: UnitOutline, began: datetime) -> Iterator[Lane]:
    for part in unit.parts:
        yield from _list_lanes(part, began)
    for attempt in unit.attempts:
        asks = bool(attempt.calls or unit.parts)  # parts are models' work, in lanes of their own
        bars = [
            *_list_phases(attempt, began, with_model=not asks),
            *_list_requests(attempt.calls, began),
        ]
        yield Lane(unit, attempt, tuple(sorted(bars, key=lambda bar: bar.start_s)))


def _list_requests(calls: Iterable[Interaction], began: datetime) -> Iterator[Bar]:
    for call in calls:
        start = _since(call.created_at, began)
        took = min(max(0.0, call.latency_ms), LONGEST_MS) / 1000
        yield Bar("model", start, start + took, failed=call.status == "error")


def _list_phases(attempt: AttemptOutline, began: datetime, *, with_model: bool) -> Iterator[Bar]:
    """List what an attempt did one after the other, with or without the time of its model."""
    if attempt.result is None or attempt.result.started_at is None:
        return
    first_s = _since(attempt.result.started_at, began)
    for phase, start_s, end_s in attempt.list_phases():
        if end_s > start_s and (phase != "model" or with_model):
            yield Bar(phase, first_s + start_s, first_s + end_s)


def _since(moment: datetime, began: datetime) -> float:
    return max(0.0, (moment - began).total_seconds())
