"""Where a run's time and tokens went; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from forge_cli.views.costs import Prices, tally_calls
from forge_cli.views.outline import AttemptOutline, Outline

Span = tuple[float, float]
"""Seconds since the beginning of the run."""

PURPOSES = ("model", "validation", "git", "files")
"""What time is spent on; where several go on at once, the first counts."""

PHASE_PURPOSES: Mapping[str, str] = {
    "context": "files",
    "write": "files",
    "validation": "validation",
    "git": "git",
}
"""Purposes by the phase of an attempt; the time of models is that of their calls."""


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """A run's wall time, in seconds, each moment counted once."""

    spent_s: Mapping[str, float]
    """Time by purpose."""
    waiting_s: float
    """The rest: between activities, for a worker, or after a provider's refusal."""


def find_waste(outline: Outline, prices: Prices) -> float | None:
    """Return the share of tokens that went to attempts and answers that were discarded.

    None where no tokens are known.
    """
    total = tally_calls(outline.calls, prices).tokens
    return tally_calls(outline.list_wasted(), prices).tokens / total if total else None


def split_time(outline: Outline, began: datetime, took: timedelta) -> TimeSplit:
    """Split a run's wall time by what went on."""
    whole_s = took.total_seconds()
    spans: dict[str, list[Span]] = {purpose: [] for purpose in PURPOSES}
    for call in outline.calls:
        start = (call.created_at - began).total_seconds()
        spans["model"].append((start, start + call.latency_ms / 1000))
    for attempt in outline.list_attempts():
        _add_phases(spans, attempt, began)
    spent: dict[str, float] = {}
    covered: list[Span] = []
    for purpose in PURPOSES:
        before = _measure(covered, whole_s)
        covered += spans[purpose]
        spent[purpose] = _measure(covered, whole_s) - before
    return TimeSplit(spent, max(0.0, whole_s - sum(spent.values())))


def _add_phases(spans: dict[str, list[Span]], attempt: AttemptOutline, began: datetime) -> None:
    if attempt.result is None or attempt.result.started_at is None:
        return
    end = (attempt.result.started_at - began).total_seconds()
    for phase, milliseconds in attempt.result.phases.items():
        start, end = end, end + milliseconds / 1000
        if phase in PHASE_PURPOSES:
            spans[PHASE_PURPOSES[phase]].append((start, end))


def _measure(spans: Iterable[Span], whole_s: float) -> float:
    """Measure how much of the run some spans cover together."""
    total, reached = 0.0, 0.0
    for start, end in sorted(spans):
        fresh = min(end, whole_s) - max(start, reached)
        if fresh > 0:
            total += fresh
            reached = end
    return total
