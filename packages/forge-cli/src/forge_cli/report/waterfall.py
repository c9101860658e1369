"""A run's time as a drawing: a lane for each attempt, a bar for each thing that it did; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor, log10

from forge_cli.views.analysis.timeline import Bar, Lane
from forge_cli.views.spending import PHASE_PURPOSES

LEAST_WIDTH = 1.5
"""How wide a bar is at least, so that it is seen."""

CHARACTER_WIDTH = 6.5
"""About how wide a character of a label is."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a drawing uses its place; a unit is a pixel where the page has room for all of it."""

    name: str
    width: float
    """Of the whole run."""
    lane_height: float
    bar_top: float
    """Where in its lane a bar begins."""
    label_y: float
    """Where in its lane the middle of its name is."""
    most_margin: float
    """What names take at most on the left of the bars; 0 where they stand above them."""
    most_ticks: int
    most_characters: int
    """Of a name; a longer one is cut."""


WIDE = Layout("wide", 1000.0, 22.0, 5.0, 11.0, 240.0, 8, 34)
NARROW = Layout("narrow", 340.0, 32.0, 17.0, 9.0, 0.0, 4, 50)

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
class Label:
    """The name of a lane, which leads to what it shows."""

    text: str
    full: str
    anchor: str
    y: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    """A drawing."""

    name: str
    width: float
    height: float
    margin: float
    """Units left of the bars, for the names of lanes."""
    blocks: tuple[Block, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[Label, ...]


def draw_waterfall(
    lanes: Sequence[Lane], names: Sequence[tuple[str, str]], whole_s: float, layout: Layout
) -> Waterfall:
    """Draw lanes below each other.

    Args:
        lanes: What attempts did.
        names: The name of each, and the anchor that it leads to.
        whole_s: Seconds from the beginning of the run to its end.
        layout: What the drawing is for.
    """
    whole_s = max([whole_s, *(lane.end_s for lane in lanes)], default=0.0) or 1.0
    blocks = [
        _draw_bar(bar, number, whole_s, layout)
        for number, lane in enumerate(lanes)
        for bar in lane.bars
    ]
    longest = max((len(name) for name, _ in names), default=0)
    return Waterfall(
        name=layout.name,
        width=layout.width,
        height=layout.lane_height * len(lanes),
        margin=min(layout.most_margin, 20 + CHARACTER_WIDTH * longest),
        blocks=tuple(blocks),
        ticks=tuple(_list_ticks(whole_s, layout)),
        labels=tuple(_list_labels(names, layout)),
    )


def _draw_bar(bar: Bar, lane: int, whole_s: float, layout: Layout) -> Block:
    scale = layout.width / whole_s
    width = max(LEAST_WIDTH, (bar.end_s - bar.start_s) * scale)
    return Block(
        kind="failed" if bar.is_failed else PHASE_PURPOSES.get(bar.activity, bar.activity),
        x=round(min(bar.start_s * scale, layout.width - width), 2),
        width=round(width, 2),
        y=lane * layout.lane_height + layout.bar_top,
        title=f"{bar.activity} {bar.end_s - bar.start_s:.2f} s, from {bar.start_s:.2f} s",
    )


def _list_labels(names: Sequence[tuple[str, str]], layout: Layout) -> Iterator[Label]:
    most = layout.most_characters
    for number, (name, anchor) in enumerate(names):
        text = name if len(name) <= most else name[: most - 1] + "…"
        yield Label(text, name, anchor, number * layout.lane_height + layout.label_y)


def _list_ticks(whole_s: float, layout: Layout) -> Iterator[Tick]:
    step = find_tick_step(whole_s, layout.most_ticks)
    for number in range(int(whole_s / step) + 1):
        seconds = number * step
        yield Tick(round(seconds * layout.width / whole_s, 2), _label(seconds, step))


def find_tick_step(whole_s: float, most: int) -> float:
    """Return a round number of seconds that gives an axis no more than so many ticks."""
    least = whole_s / most
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
