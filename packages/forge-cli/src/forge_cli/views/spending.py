"""Where a run's time and tokens went; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise, zip_longest
from math import inf

from forge_obs import STARTED, Interaction

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


START, REPEAT, UNANSWERED, BETWEEN, END = "start", "repeat", "unanswered", "between", "end"
"""What a run waits for: its first activity, to repeat a request that failed, a request of which
nobody knows how long it took, its next activity, or its end after the last one."""

PAUSE = "pause"
"""That it is executed again: it had stopped at a limit, or was interrupted."""

SHORTEST_PAUSE_S = 1.0
"""Less is the time around what a workflow measures of itself."""


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """A run's wall time, in seconds, each moment counted once."""

    spent_s: Mapping[str, float]
    """Time by purpose."""
    waits_s: Mapping[str, float]
    """The rest, by what was waited for."""


def find_waste(outline: Outline, prices: Prices) -> float | None:
    """Return the share of tokens that went to attempts and answers that were discarded.

    None where no tokens are known.
    """
    total = tally_calls(outline.calls, prices).tokens
    return tally_calls(outline.list_wasted(), prices).tokens / total if total else None


def split_time(
    outline: Outline,
    began: datetime,
    took: timedelta,
    *,
    running: bool = False,
    paused_s: float = 0.0,
) -> TimeSplit:
    """Split a run's wall time by what went on; of one that is running, until now.

    Args:
        outline: What it did.
        began: When it began.
        took: How long it took, pauses included.
        running: Whether it goes on.
        paused_s: For how many seconds of it nobody executed the run, if that is known.
    """
    whole_s = took.total_seconds()
    spans: dict[str, list[Span]] = {purpose: [] for purpose in PURPOSES}
    under_way = {id(call) for call in _list_under_way(outline)} if running else set()
    for call in outline.calls:
        start = _find_start(call, began)
        end = whole_s if id(call) in under_way else _find_end(call, began)
        spans["model"].append((start, end))
    for attempt in outline.list_attempts():
        _add_phases(spans, attempt, began)
    spent: dict[str, float] = {}
    covered: list[Span] = []
    for purpose in PURPOSES:
        before = _measure(covered, whole_s)
        covered += spans[purpose]
        spent[purpose] = _measure(covered, whole_s) - before
    unanswered = _list_unanswered(outline, began, None if running else whole_s)
    waits = _split_waits(covered, unanswered, _list_repeats(outline, began), whole_s)
    if running:
        waits = {**waits, BETWEEN: waits[BETWEEN] + waits[END], END: 0.0}
    return TimeSplit(spent, part_pause(waits, paused_s))


def measure_pause(took: timedelta, elapsed_s: float) -> float:
    """Return for how many seconds nobody executed a run.

    Args:
        took: From its beginning to its end, or until now.
        elapsed_s: Seconds for which it was executed; 0 where that is unknown.
    """
    paused_s = took.total_seconds() - elapsed_s if elapsed_s else 0.0
    return paused_s if paused_s >= SHORTEST_PAUSE_S else 0.0


def part_pause(waits_s: Mapping[str, float], paused_s: float) -> Mapping[str, float]:
    """Take a pause out of the waits that it is in: of a run that is paused now, behind the last.

    A request is without an answer where a process died, so that a pause is behind it.
    """
    if not paused_s:
        return waits_s
    parted = dict(waits_s)
    for wait in (UNANSWERED, BETWEEN, REPEAT, END):
        share = min(parted[wait], paused_s)
        parted[wait] -= share
        paused_s -= share
        parted[PAUSE] = parted.get(PAUSE, 0.0) + share
    return parted


def measure_latency_ms(calls: Sequence[Interaction]) -> float:
    """Measure for how long calls were waited for, in milliseconds; parallel ones count once."""
    if len(calls) == 1:
        return calls[0].latency_ms
    first = min((call.created_at for call in calls), default=None)
    if first is None:
        return 0.0
    starts = [((call.created_at - first).total_seconds() * 1000, call) for call in calls]
    return _measure([(start, start + call.latency_ms) for start, call in starts], inf)


def _list_sequences(outline: Outline) -> Iterator[Sequence[Interaction]]:
    """List requests that followed each other: the planner's, and those of each attempt."""
    yield outline.planner
    yield from (attempt.calls for attempt in outline.list_attempts())


def _list_under_way(outline: Outline) -> Iterator[Interaction]:
    """List the requests that may be under way: nothing came of them yet, and none followed."""
    for calls in _list_sequences(outline):
        yield from (call for call in calls[-1:] if call.status == STARTED)


def _list_repeats(outline: Outline, began: datetime) -> Iterator[Span]:
    """List from when to when a failed request waited to be sent again."""
    for calls in _list_sequences(outline):
        for failed, following in pairwise(calls):
            if failed.status == "error":
                yield _find_end(failed, began), _find_start(following, began)


def _list_unanswered(outline: Outline, began: datetime, until_s: float | None) -> Iterator[Span]:
    """List from when to when nobody knows how long a request went on: at most until the next.

    Args:
        outline: What the run did.
        began: When it began.
        until_s: When it ended, in seconds; None while it goes on, and its last requests with it.
    """
    for calls in _list_sequences(outline):
        for call, following in zip_longest(calls, calls[1:]):
            end_s = until_s if following is None else _find_start(following, began)
            if call.status == STARTED and end_s is not None:
                yield _find_start(call, began), end_s


def _find_start(call: Interaction, began: datetime) -> float:
    return (call.created_at - began).total_seconds()


def _find_end(call: Interaction, began: datetime) -> float:
    return _find_start(call, began) + call.latency_ms / 1000


def _split_waits(
    covered: Sequence[Span], unanswered: Iterable[Span], repeats: Iterable[Span], whole_s: float
) -> Mapping[str, float]:
    """Split the time in which nothing went on by what was waited for."""
    accounted = [*covered, *unanswered]
    first = min(max(0.0, min((start for start, _ in accounted), default=whole_s)), whole_s)
    last = min(max((end for _, end in accounted), default=whole_s), whole_s)
    worked_s = _measure(covered, whole_s)
    unanswered_s = _measure(accounted, whole_s) - worked_s
    repeated_s = _measure([*accounted, *repeats], whole_s) - worked_s - unanswered_s
    waits = {
        START: first,
        REPEAT: repeated_s,
        UNANSWERED: unanswered_s,
        END: max(0.0, whole_s - last),
    }
    return {**waits, BETWEEN: max(0.0, whole_s - worked_s - sum(waits.values()))}


def _add_phases(spans: dict[str, list[Span]], attempt: AttemptOutline, began: datetime) -> None:
    if attempt.result is None or attempt.result.started_at is None:
        return
    first_s = (attempt.result.started_at - began).total_seconds()
    for phase, start_s, end_s in attempt.list_phases():
        if phase in PHASE_PURPOSES:
            spans[PHASE_PURPOSES[phase]].append((first_s + start_s, first_s + end_s))


def _measure(spans: Iterable[Span], whole_s: float) -> float:
    """Measure how much of the run some spans cover together."""
    total, reached = 0.0, 0.0
    for start, end in sorted(spans):
        fresh = min(end, whole_s) - max(start, reached)
        if fresh > 0:
            total += fresh
            reached = end
    return total
