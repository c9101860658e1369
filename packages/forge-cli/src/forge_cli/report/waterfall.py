"""A run's time as a drawing: a lane for each attempt, a bar for each thing that it did; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor, log10

from forge_cli.views.analysis.timeline import Bar, Lane
from forge_cli.views.spending import PHASE_PURPOSES

WIDTH = 1000.0
"""Units of the drawing for the whole run; the page scales them."""

LANE_HEIGHT, BAR_HEIGHT = 22.0, 12.0

LEAST_WIDTH = 1.5
"""How wide a bar is at least, so that it is seen."""

MOST_TICKS = 8

STEPS = (1, 2, 5, 10)
"""Multiples of a power of ten at which an axis has its ticks."""

MINUTE_STEPS = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400)
"""Seconds between the ticks of a longer axis."""


DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Block:
    """A bar in the drawing."""

    kind: str
    x: float
    width: float
    y: float
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment on the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The drawing, its labels left to the page."""

    height: float
    blocks: tuple[Block, ...]
    ticks: tuple[Tick, ...]


def draw_waterfall(lanes: Sequence[Lane], whole_s: float) -> Waterfall:
    """Draw lanes below each other.

    Args:
        lanes: What attempts did.
        whole_s: Seconds from the beginning of the run to its end.
    """
    whole_s = max([whole_s, *(lane.end_s for lane in lanes)], default=0.0) or 1.0
    blocks = [
        _draw_bar(bar, number, WIDTH / whole_s)
        for number, lane in enumerate(lanes)
        for bar in lane.bars
    ]
    return Waterfall(LANE_HEIGHT * len(lanes), tuple(blocks), tuple(_list_ticks(whole_s)))


def _draw_bar(bar: Bar, lane: int, scale: float) -> Block:
    width = max(LEAST_WIDTH, (bar.end_s - bar.start_s) * scale)
    return Block(
        kind="failed" if bar.failed else PHASE_PURPOSES.get(bar.activity, bar.activity),
        x=round(min(bar.start_s * scale, WIDTH - width), 2),
        width=round(width, 2),
        y=lane * LANE_HEIGHT + (LANE_HEIGHT - BAR_HEIGHT) / 2,
        title=f"{bar.activity} {bar.end_s - bar.start_s:.2f} s, from {bar.start_s:.2f} s",
    )


def _list_ticks(whole_s: float) -> Iterator[Tick]:
    step = find_tick_step(whole_s)
    for number in range(int(whole_s / step) + 1):
        seconds = number * step
        yield Tick(round(seconds * WIDTH / whole_s, 2), _label(seconds, step))


def find_tick_step(whole_s: float) -> float:
    """Return a round number of seconds that gives an axis no more than a few ticks."""
    least = whole_s / MOST_TICKS
    if least > STEPS[-1]:
        return next(
            (float(s) for s in MINUTE_STEPS if s >= least), _round_up(least / 86400) * 86400
        )
    return _round_up(least)


def _round_up(value: float) -> float:
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (*STEPS, 20) if step * power >= value)


def _label(seconds: float, step: float) -> str:
    if step < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + " s"
    if step < 3600:
        return f"{seconds / 60:g} min"
    return f"{seconds / 3600:g} h"
