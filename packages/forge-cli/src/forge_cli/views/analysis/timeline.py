"""When each attempt of a run did what, in seconds since the run began; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from forge_obs import STARTED, Interaction

from forge_cli.views.outline import LONGEST_MS, AttemptOutline, Outline, UnitOutline


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing that went on without a break."""

    activity: str
    start_s: float
    end_s: float
    is_failed: bool = False
    """Whether it was a request that failed."""
    is_unanswered: bool = False
    """Whether it was a request of which nobody knows how long it took."""


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


def build_timeline(outline: Outline, began: datetime, until_s: float | None = None) -> list[Lane]:
    """Lay out a run: the planner, then each attempt, those of sub-tasks before their step's.

    Args:
        outline: What it did.
        began: When it began.
        until_s: How long it has been running, in seconds; None where nothing is under way.
    """
    lanes = [Lane(None, None, tuple(_list_requests(outline.planner, began, until_s)))]
    for unit in outline.units:
        lanes += _list_lanes(unit, began, until_s)
    return [lane for lane in lanes if lane.bars]


def _list_lanes(unit: UnitOutline, began: datetime, until_s: float | None) -> Iterator[Lane]:
    for part in unit.parts:
        yield from _list_lanes(part, began, until_s)
    for attempt in unit.attempts:
        asks = bool(attempt.calls or unit.parts)  # parts are models' work, in lanes of their own
        bars = [
            *_list_phases(attempt, began, with_model=not asks),
            *_list_requests(attempt.calls, began, until_s),
        ]
        yield Lane(unit, attempt, tuple(sorted(bars, key=lambda bar: bar.start_s)))


def _list_requests(
    calls: Sequence[Interaction], began: datetime, until_s: float | None
) -> Iterator[Bar]:
    for number, call in enumerate(calls, start=1):
        start_s = _since(call.created_at, began)
        end_s = start_s + min(max(0.0, call.latency_ms), LONGEST_MS) / 1000
        is_open = call.status == STARTED
        if is_open and until_s is not None and number == len(calls):
            is_open, end_s = False, max(start_s, until_s)
        yield Bar("model", start_s, end_s, is_failed=call.status == "error", is_unanswered=is_open)


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
