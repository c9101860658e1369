"""A run while it goes on, as one frame that fits its terminal; pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from forge_obs import STARTED
from rich.cells import cell_len
from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.render.budget import describe_limits
from forge_cli.render.figures import format_cost, format_count, format_duration, format_tokens
from forge_cli.render.live.activities import place_activities
from forge_cli.render.live.rows import Row, RowMaker, has_tokens, render_rows
from forge_cli.render.live.state import LiveState
from forge_cli.views.costs import Tally, tally_calls
from forge_cli.views.outline import UnitOutline

SMALLEST_TREE = 3
"""Lines that are left for the tree on the lowest terminal."""

MOST_ELSEWHERE = 4
"""Lines for what goes on and belongs to no unit."""

LONGEST_BAR, SHORTEST_BAR = 30, 6
"""Columns of the bar of steps."""

ECHO_WIDTH = 2
"""Columns that the screen leaves free behind its last line."""

FULL, EMPTY = "━", "─"


def render_live(state: LiveState, now: datetime, *, width: int, height: int) -> Text:
    """Render a run: what was asked for, its units with what each is about, and the sums.

    Args:
        state: What is known of it.
        now: The present moment.
        width: Columns of the terminal; longer lines are cut.
        height: Lines of the terminal; what is done or far away is collapsed.
    """
    places = {}
    if state.ended is None:
        places = place_activities(state.workflow_id, state.outline, state.pending, now)
    maker = RowMaker(state, places, now)
    head = [Text(line, style="bold") for line in _describe_task(state) if height > SMALLEST_TREE]
    elsewhere = list(maker.list_elsewhere())[:MOST_ELSEWHERE]
    room = max(SMALLEST_TREE, height - len(head) - len(elsewhere) - 1)
    rows = [*_fit_tree(state.outline.units, maker, room), *elsewhere]
    everything = [*_list_all(state.outline.units, maker), *elsewhere]
    names = [row for row in everything if not row.is_remark]
    lines = [*head, *render_rows(rows, names, width), _render_totals(state, now, width)]
    for line in lines:
        line.truncate(max(1, width), overflow="ellipsis")
    return Text("\n", no_wrap=True).join(lines)


def _describe_task(state: LiveState) -> Iterator[str]:
    lines = (line.strip() for line in state.request.description.splitlines())
    yield from (escape_line(line) for line in list(filter(None, lines))[:1])


def _list_all(units: Iterable[UnitOutline], maker: RowMaker) -> Iterator[Row]:
    yield from maker.list_planner()
    for unit in units:
        yield from maker.list_unit(unit)


def _fit_tree(units: Sequence[UnitOutline], maker: RowMaker, room: int) -> list[Row]:
    """Return the rows of the tree, at most so many.

    What goes on stays in sight: units that wait give way first, then those that have ended, the
    oldest of them first, then the sub-tasks that are not under way.
    """
    head = list(maker.list_planner())
    active = [unit for unit in units if unit.state in {"running", "unfinished"}]
    first = units.index(active[0]) if active else sum(unit.has_ended for unit in units)
    done, waiting = units[:first], [unit for unit in units[first:] if unit not in active]
    before = [row for unit in done for row in maker.list_unit(unit)]
    middle = [row for unit in active for row in maker.list_unit(unit)]
    after = [row for unit in waiting for row in maker.list_unit(unit)]
    left = room - len(head) - len(middle)
    if len(before) + len(after) <= left:
        return head + before + middle + after
    least = bool(before) + bool(after)
    if left < least:
        middle = [row for unit in active for row in maker.list_unit(unit, shortly=True)]
        middle = _cut(middle, max(1, room - len(head) - least), "running")
        left = room - len(head) - len(middle)
    for_after = max(bool(after), min(len(after), left // 2, left - bool(before)))
    before = _collapse(done, maker, left - for_after)
    after = _cut(after, max(bool(after), left - len(before)), "waiting")
    return (head + before + middle + after)[:room]


def _collapse(units: Sequence[UnitOutline], maker: RowMaker, room: int) -> list[Row]:
    """Collapse units that have ended into one line, but for the last that find room."""
    rows = [list(maker.list_unit(unit)) for unit in units]
    kept = len(rows)
    while kept and sum(map(len, rows[-kept:])) + (kept < len(rows)) > room:
        kept -= 1
    if kept == len(rows):
        return [row for unit in rows for row in unit]
    away = units[: len(rows) - kept]
    failed = sum(unit.state != "success" for unit in away)
    said = f"{format_count(len(away) - failed, 'step')} done"
    said += f", {failed} not" if failed else ""
    sum_row = Row("success" if not failed else "failed", said)
    return [sum_row, *(row for unit in rows[len(away) :] for row in unit)]


def _cut(rows: list[Row], room: int, state: str) -> list[Row]:
    if len(rows) <= room:
        return rows
    head = rows[: max(0, room - 1)]
    return [*head, Row(state, f"… {len(rows) - len(head):,} more {state}")]


def _render_totals(state: LiveState, now: datetime, width: int) -> Text:
    """Render the bar of steps and the sums, as far as they have room."""
    outline, room = state.outline, width - ECHO_WIDTH
    totals = _describe_totals(state, now, room)
    room = min(LONGEST_BAR, room - cell_len(totals) - 1)
    if not outline.planned or room < SHORTEST_BAR:
        return Text(totals, style="bold")
    full = room * min(outline.steps_done, outline.planned) // outline.planned
    return Text.assemble(
        (FULL * full, "green"), (EMPTY * (room - full), "dim"), (f" {totals}", "bold")
    )


def _describe_totals(state: LiveState, now: datetime, width: int) -> str:
    """Say what a run has done and cost so far, in one line; requests that are out come later.

    Args:
        state: What is known of it.
        now: The present moment.
        width: Columns for which calls, then tokens, are left out.
    """
    outline = state.outline
    tally = tally_calls((c for c in outline.calls if c.status != STARTED), state.prices)
    steps = f"{outline.steps_done}/{outline.planned} steps" if outline.planned else ""
    calls = format_count(len(outline.calls), "call") if outline.calls else ""
    tokens = _describe_tokens(tally) if has_tokens(tally) else ""
    parts = [steps, calls, tokens, *_list_spending(state, tally, now)]
    for dispensable in (1, 2):
        if cell_len(_join(parts)) > width:
            parts[dispensable] = ""
    return _join(parts)


def _list_spending(state: LiveState, tally: Tally, now: datetime) -> Iterator[str]:
    """List cost and time, each with its limit if there is one."""
    elapsed, budget = state.get_moment(now) - state.began, state.budget
    if (tally.paid or tally.is_simulated) and budget.max_cost_usd is None:
        yield _describe_cost(tally)
    yield from describe_limits(budget, tally, elapsed)
    if budget.max_duration_s is None:
        yield format_duration(elapsed)


def _join(parts: Iterable[str]) -> str:
    return " · ".join(filter(None, parts))


def _describe_tokens(tally: Tally) -> str:
    more = "+" if tally.unreported else ""
    sums = tally.shown
    return f"{format_tokens(sums.input_tokens)} in {format_tokens(sums.output_tokens)} out{more}"


def _describe_cost(tally: Tally) -> str:
    is_unknown = tally.paid and tally.unpriced == tally.paid
    return "cost unknown" if is_unknown else format_cost(tally)
