"""The runs of a machine while they go on: those under way first, one line each; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from forge_obs import STARTED
from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.render.figures import format_cost, format_count, format_duration
from forge_cli.render.live.activities import Doing, Place, find_current, place_activities
from forge_cli.render.live.rows import WORD_WIDTH, name_unit
from forge_cli.render.live.state import LiveState
from forge_cli.render.table import STYLES, align
from forge_cli.views.costs import tally_calls
from forge_cli.views.outline import UnitOutline

TASK_SHARE = 4
"""The part of a terminal that a task's id may take is one of so many."""

GAP = 2

SMALLEST_ROOM = 20
"""Columns that are left for what a run is at; figures make room for it."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run that goes on."""

    task_id: str
    state: LiveState


def render_top(
    lines: Sequence[RunLine], listed: Text, now: datetime, *, width: int, height: int
) -> Text:
    """Render runs that go on above a list of others.

    Args:
        lines: The runs that go on, newest first.
        listed: The others, rendered; cut where there is no room.
        now: The present moment, in the zone in which it is shown.
        width: Columns of the terminal.
        height: Lines of the terminal.
    """
    count = format_count(len(lines), "run") + " under way" if lines else "no run is under way"
    head = Text.assemble((count, "bold"), (f"  {now:%H:%M:%S}, Ctrl-C ends", "dim"))
    room = max(1, height - 2)
    rows = _render_lines(lines, now, width)
    if len(rows) > room:
        rest = len(rows) - room + 1
        rows = [*rows[: room - 1], Text(f"… {rest:,} more under way", style="dim")]
    left = height - 2 - len(rows)
    others = listed.split("\n")[:left] if left > 1 and listed.plain else []
    whole = [head, *rows, *([Text(), *others] if others else [])]
    for line in whole:
        line.truncate(max(1, width), overflow="ellipsis")
    return Text("\n", no_wrap=True).join(whole)


def _render_lines(lines: Sequence[RunLine], now: datetime, width: int) -> list[Text]:
    """Render a line for each run: its task, what it is at and about, time and cost."""
    rows = [_list_cells(line, now, width // TASK_SHARE) for line in lines]
    for columns in range(5, 2, -1):
        cut = [row[:columns] for row in rows]
        taken = sum(max((len(row[n]) for row in cut), default=0) for n in range(columns) if n != 1)
        room = width - taken - GAP * (columns - 1)
        if room >= SMALLEST_ROOM or columns == 3:
            break
    for row in cut:
        row[1].truncate(max(1, room), overflow="ellipsis")
    return align(cut, right={3, 4})


def _list_cells(line: RunLine, now: datetime, longest_task: int) -> list[Text]:
    state = line.state
    places = place_activities(state.workflow_id, state.outline, state.pending, now)
    place, said = _describe_place(state)
    tally = tally_calls((c for c in state.outline.calls if c.status != STARTED), state.prices)
    style = STYLES["running"]
    task = Text.assemble(("● ", style), (escape_line(line.task_id), "bold"))
    task.truncate(longest_task, overflow="ellipsis")
    return [
        task,
        Text(said),
        Text(_find_word(places, place)[:WORD_WIDTH], style=style),
        Text(format_duration(now - state.began)),
        Text(format_cost(tally)),
    ]


def _describe_place(state: LiveState) -> tuple[Place | None, str]:
    """Say which unit a run is at; None for the planner's turn and before."""
    outline = state.outline
    unit = find_current(outline.units)
    if unit is None:
        return None, "planning" if outline.planner and not outline.planned else ""
    number = f"{outline.steps_done + 1}/{outline.planned} " if outline.planned else ""
    name = name_unit(unit) if unit.description or unit.name else escape_line(_find_task(state))
    return (unit.name,), f"{number}{name}{_describe_attempt(unit)}"


def _find_task(state: LiveState) -> str:
    lines = (line.strip() for line in state.request.description.splitlines())
    return next(filter(None, lines), "")


def _describe_attempt(unit: UnitOutline) -> str:
    number = max((attempt.number for attempt in unit.attempts), default=1)
    return f" (attempt {number})" if number > 1 else ""


def _find_word(places: dict[Place, Doing], place: Place | None) -> str:
    """Say in a word what goes on at a place and below it."""
    words = list(_list_words(places, place))
    if len(words) > 1 and len(set(words)) == 1:
        return f"{len(words)} {words[0]}"
    return words[0] if words else ""


def _list_words(places: dict[Place, Doing], place: Place | None) -> Iterator[str]:
    for key, doing in places.items():
        if place is None or key[: len(place)] == place:
            yield doing.word
