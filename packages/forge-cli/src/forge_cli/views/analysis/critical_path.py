"""The chain of work that a run's duration consists of; pure.

Of parallel sub-tasks only the one that ended last is on it: a faster one elsewhere saves nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from forge_cli.views.analysis.timeline import Bar, Lane
from forge_cli.views.spending import (
    BETWEEN,
    END,
    PHASE_PURPOSES,
    REPEAT,
    START,
    UNANSWERED,
    part_pause,
)

WAITING, PAUSED = "waiting", "paused"

SUB_TASK = "sub-task"

CLOSE_S = 0.002
"""Seconds within which two moments are the same: clocks of two processes took them."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the critical path."""

    lane: Lane | None
    """Whose work it is; None for waiting."""
    purpose: str
    """`model`, `validation`, `git`, `files`, or `waiting`."""
    start_s: float
    end_s: float
    is_failed: bool = False
    """Whether it was a request that failed."""
    is_unanswered: bool = False
    """Whether it was a request of which nobody knows how long it took."""

    @property
    def duration_s(self) -> float:
        """How long it took, in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class CriticalPath:
    """All segments, one after the other from the beginning of the run to its end."""

    segments: tuple[Segment, ...]
    paused_s: float = 0.0
    """For how many of its seconds nobody executed the run."""
    has_ended: bool = True
    """Whether the run has."""

    @property
    def duration_s(self) -> float:
        """How long the run took, in seconds."""
        return self.segments[-1].end_s if self.segments else 0.0

    def sum_by_purpose(self) -> Mapping[str, float]:
        """Return seconds by purpose, the largest first; a pause is apart from other waiting."""
        sums: dict[str, float] = {}
        for segment in self.segments:
            sums[segment.purpose] = sums.get(segment.purpose, 0.0) + segment.duration_s
        if paused_s := min(self.paused_s, sums.get(WAITING, 0.0)):
            sums = {**sums, WAITING: sums[WAITING] - paused_s, PAUSED: paused_s}
        return dict(sorted(sums.items(), key=lambda item: -item[1]))

    def sum_waits(self) -> Mapping[str, float]:
        """Return seconds of waiting by what was waited for, as a run's time is split."""
        sums = dict.fromkeys((START, REPEAT, UNANSWERED, BETWEEN, END), 0.0)
        for before, segment in pairwise((None, *self.segments)):
            if segment is None or segment.purpose != WAITING:
                continue
            sums[self._name_wait(before, segment)] += segment.duration_s
        return part_pause(sums, self.paused_s)

    def _name_wait(self, before: Segment | None, waiting: Segment) -> str:
        if before is None:
            return START
        if before.is_unanswered:
            return UNANSWERED
        if waiting is self.segments[-1] and self.has_ended:
            return END
        return REPEAT if before.is_failed else BETWEEN

    def sum_by_lane(self) -> list[tuple[Lane, float]]:
        """Return the lanes that are on the path with their seconds, in the order of time."""
        lanes: dict[int, Lane] = {}
        sums: dict[int, float] = {}
        for segment in self.segments:
            if segment.lane is not None and segment.duration_s:
                lanes[id(segment.lane)] = segment.lane
                sums[id(segment.lane)] = sums.get(id(segment.lane), 0.0) + segment.duration_s
        return [(lane, sums[key]) for key, lane in lanes.items()]


def find_critical_path(
    lanes: Sequence[Lane], whole_s: float, paused_s: float = 0.0
) -> CriticalPath:
    """Go back from the end of a run to what each thing waited for.

    Args:
        lanes: What attempts did.
        whole_s: Seconds from the beginning of the run to its end.
        paused_s: Those of them for which nobody executed it.
    """
    whole_s = max([whole_s, *(lane.end_s for lane in lanes)], default=0.0)
    return CriticalPath(tuple(reversed(list(_go_back(lanes, whole_s)))), paused_s)


def _go_back(lanes: Sequence[Lane], whole_s: float) -> Iterator[Segment]:
    moment, lane = whole_s, None
    while (before := _find_before(lanes, lane, moment)) is not None:
        lane, bar = before
        end = min(bar.end_s, moment)
        if moment - end > CLOSE_S:
            yield Segment(None, WAITING, end, moment)
        else:
            end = moment
        purpose = PHASE_PURPOSES.get(bar.activity, bar.activity)
        yield Segment(
            lane,
            purpose,
            bar.start_s,
            end,
            is_failed=bar.is_failed,
            is_unanswered=bar.is_unanswered,
        )
        moment = bar.start_s
    if moment > 0:
        yield Segment(None, WAITING, 0.0, moment)


def _find_before(
    lanes: Sequence[Lane], lane: Lane | None, moment: float
) -> tuple[Lane, Bar] | None:
    """Find what ended last before a moment, in the same attempt or in one that it waited for."""
    own = [] if lane is None else [(lane, bar) for bar in lane.bars if bar.start_s < moment]
    is_fan_out = lane is not None and lane.unit is not None and bool(lane.unit.parts)
    others = [
        (other, bar)
        for other in lanes
        if other is not lane and not _run_beside(lane, other)
        for bar in other.bars
        if bar.end_s <= moment + CLOSE_S and bar.start_s < moment
    ]
    candidates = [*own, *others] if is_fan_out or not own else own
    return max(candidates, key=lambda item: min(item[1].end_s, moment), default=None)


def _run_beside(lane: Lane | None, other: Lane) -> bool:
    """Return whether two lanes are of parallel sub-tasks, of which none waits for another."""
    if lane is None or lane.unit is other.unit:
        return False
    return _locate_part(lane) is not None and _locate_part(lane) == _locate_part(other)


def _locate_part(lane: Lane) -> tuple[str | None, int | None] | None:
    """Return the step of a sub-task and its attempt; None for what is no sub-task."""
    if lane.unit is None or lane.unit.kind != SUB_TASK or lane.attempt is None:
        return None
    step = next((call.step_id for call in lane.attempt.calls), None)
    return step, lane.attempt.step_attempt
