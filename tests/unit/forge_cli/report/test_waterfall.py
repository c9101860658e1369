"""Bars stand where their time says, and the axis has round moments."""

import pytest
from forge_cli.report.waterfall import (
    LEAST_WIDTH,
    NARROW,
    WIDE,
    Waterfall,
    draw_waterfall,
    find_tick_step,
)
from forge_cli.views.analysis.timeline import Bar, Lane

WIDTH = WIDE.width


def draw(*lanes: Lane, whole_s: float) -> Waterfall:
    return draw_waterfall(lanes, [("attempt 1", "u1a1")] * len(lanes), whole_s, WIDE)


def lane(*bars: Bar) -> Lane:
    return Lane(None, None, bars)


def test_bars_stand_where_their_time_says() -> None:
    drawing = draw(
        lane(Bar("model", 0.0, 5.0)), lane(Bar("git", 5.0, 10.0, is_failed=True)), whole_s=10.0
    )

    first, second = drawing.blocks
    assert (first.kind, first.x, first.width) == ("model", 0.0, WIDTH / 2)
    assert (second.kind, second.x, second.width) == ("failed", WIDTH / 2, WIDTH / 2)
    assert second.y > first.y
    assert second.title == "git 5.00 s, from 5.00 s"


def test_short_bar_is_seen_and_stays_inside() -> None:
    [block] = draw(lane(Bar("model", 10.0, 10.0)), whole_s=10.0).blocks

    assert block.width == LEAST_WIDTH
    assert block.x + block.width == WIDTH


def test_bar_beyond_the_end_widens_the_axis() -> None:
    drawing = draw(lane(Bar("model", 0.0, 20.0)), whole_s=10.0)

    assert drawing.blocks[0].width == WIDTH
    assert drawing.ticks[-1].label == "20 s"


@pytest.mark.parametrize("most", [4, 8])
@pytest.mark.parametrize("whole_s", [0.001, 0.03, 1.0, 7.7, 59, 61, 600, 4000, 90_000, 1e7, 1e9])
def test_axis_has_a_few_ticks_whatever_its_length(whole_s: float, most: int) -> None:
    assert 1 <= whole_s / find_tick_step(whole_s, most) <= most


def test_narrow_drawing_has_its_names_above_the_bars_and_fits_a_phone() -> None:
    lanes = [lane(Bar("model", 0.0, 5.0)), lane(Bar("model", 5.0, 10.0))]
    names = [("a" * 90 + " attempt 1", "u1a1"), ("b attempt 2", "u1a2")]

    drawing = draw_waterfall(lanes, names, 10.0, NARROW)

    assert drawing.margin == 0
    assert drawing.width < 350
    for label, block, top in zip(drawing.labels, drawing.blocks, (0, 32), strict=True):
        assert top < label.y < block.y - 5
        assert block.y + 12 < top + 32
    first = drawing.labels[0]
    assert (len(first.text), first.full, first.anchor) == (50, names[0][0], "u1a1")


def test_run_of_no_length_is_drawn() -> None:
    drawing = draw(lane(Bar("model", 0.0, 0.0)), whole_s=0.0)

    assert len(drawing.blocks) == 1
    assert draw(whole_s=0.0).blocks == ()
