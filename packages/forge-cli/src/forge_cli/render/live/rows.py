"""Lines of planner and units: what each is, what it is about, and its figures; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from forge_obs import STARTED, Interaction
from rich.cells import cell_len
from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.render.figures import format_count, format_duration, format_tokens
from forge_cli.render.live.activities import ASKING, PLANNER, Doing, Place, name_place
from forge_cli.render.live.state import LiveState
from forge_cli.render.table import ALERT, STYLES, name_status
from forge_cli.views.costs import NO_PRICES, Tally, tally_calls
from forge_cli.views.outline import (
    ANSWERED,
    NOT_STARTED,
    AttemptOutline,
    UnitOutline,
    find_asked,
)

SIGNS = {
    "success": "✓",
    "running": "●",
    ANSWERED: "●",
    "waiting": "○",
    NOT_STARTED: "○",
    "unfinished": "‖",
}
"""Signs of states; any other is an end that is no success."""

UNSPOKEN = frozenset({"success", "running", "waiting", NOT_STARTED})
"""States of which the sign says enough."""

PAUSED = "paused"

SHOWN_MORE = "shown more"
"""What a unit is about whose model asked for more context, got it and answers now."""

WORD_WIDTH = 10
"""Columns of what a unit is about; the longest word has as many."""

GAP = "  "
INDENT = "  "

SMALLEST_NAME = 20
"""Columns that a name gets before figures do."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line: a name with its sign, and figures, or a remark on the row above."""

    state: str
    name: str
    word: str = ""
    time: str = ""
    tokens: str = ""
    indent: str = ""
    label: str = ""
    """What stands behind the name where there is room for it on every line."""
    is_remark: bool = False


class RowMaker:
    """Makes the rows of a run's planner and units.

    Args:
        state: What is known of the run.
        places: What goes on, by whose it is.
        now: The present moment.
    """

    def __init__(self, state: LiveState, places: Mapping[Place, Doing], now: datetime) -> None:
        self._state = state
        self._places = places
        self._now = state.get_moment(now)

    def list_planner(self) -> Iterator[Row]:
        """List the rows of the planner, if there is one."""
        outline = self._state.outline
        doing = None if outline.planned else self._places.get(PLANNER)
        if not outline.planner and doing is None:
            return
        calls = outline.planner
        name = f"plan: {format_count(outline.planned, 'step')}" if outline.planned else "plan"
        state = self._find_planner_state()
        began = calls[0].created_at if calls else doing.since if doing else None
        ended = None if state in {"running", "unfinished"} else _find_end(calls)
        yield Row(
            state,
            name,
            _find_activity(doing, calls) if doing else self._name_state(state),
            _format_span(began, ended or self._now),
            _format_tokens(calls, doing),
        )
        yield from self._list_remarks(doing, "")

    def _find_planner_state(self) -> str:
        if self._state.outline.planned:
            return "success"
        return "unfinished" if self._state.rests else self._state.status

    def _name_state(self, state: str) -> str:
        """Say what is not said by a sign."""
        if state == "unfinished" and self._state.rests:
            return PAUSED
        return "" if state in UNSPOKEN else name_status(state)

    def list_unit(self, unit: UnitOutline, *, shortly: bool = False) -> Iterator[Row]:
        """List the rows of a step or a task, and of its parts while it is under way.

        Args:
            unit: The unit.
            shortly: Leave out the parts that are not under way, and what is remarked of others.
        """
        yield from self._list_one(unit, (unit.name,), "", most=unit.kind)
        if unit.state not in {"running", "unfinished"}:
            return
        parts = [part for part in unit.parts if not shortly or part.state == "running"]
        for part in parts:
            rows = list(self._list_one(part, (unit.name, part.name), INDENT, most=part.kind))
            yield from rows[:1] if shortly else rows
        if len(parts) < len(unit.parts):
            yield _sum_parts(unit.parts)

    def _list_one(self, unit: UnitOutline, place: Place, indent: str, most: str) -> Iterator[Row]:
        doing = self._places.get(place)
        if doing is not None and _is_over(doing, unit.calls):
            doing = None
        is_active = doing is not None and not unit.has_ended
        state = "running" if is_active and unit.state == "waiting" else unit.state
        yield Row(
            state,
            name_unit(unit),
            _find_activity(doing, unit.calls)
            if doing is not None and is_active
            else self._find_word(unit),
            self._measure(unit, doing),
            _format_tokens(unit.calls, doing if is_active else None),
            indent,
            label=escape_line(unit.name) if unit.description else "",
        )
        for remark in _list_reasons(unit, self._state.request.most_attempts.get(most)):
            yield Row(state, remark, indent=indent, is_remark=True)
        if is_active:
            yield from self._list_remarks(doing, indent)

    def list_elsewhere(self) -> Iterator[Row]:
        """List the rows of what goes on and belongs to no unit that is on record."""
        units = self._state.outline.units
        known: set[Place] = {PLANNER, *((unit.name,) for unit in units)}
        known |= {(unit.name, part.name) for unit in units for part in unit.parts}
        for place, doing in self._places.items():
            if place not in known:
                name, time = name_place(place), _format_span(doing.since, self._now)
                yield Row("running", name, doing.word, time, _format_tokens((), doing))
                yield from self._list_remarks(doing, "")

    def _find_word(self, unit: UnitOutline) -> str:
        count = len(unit.attempts)
        if unit.state == "success" and count > 1:
            return f"{count} attempts"
        return self._name_state(unit.state)

    def _list_remarks(self, doing: Doing | None, indent: str) -> Iterator[Row]:
        if doing is not None and doing.remark:
            yield Row("running", doing.remark, indent=indent, is_remark=True)

    def _measure(self, unit: UnitOutline, doing: Doing | None) -> str:
        span = unit.find_span()
        if span is None:
            return _format_span(doing.since if doing else None, self._now)
        is_over = unit.has_ended and unit.state != "unfinished"
        return _format_span(span[0], span[1] if is_over else self._now)


def name_unit(unit: UnitOutline) -> str:
    """Name a unit by what it is to do; by its id where nobody said."""
    lines = (line.strip() for line in unit.description.splitlines())
    return escape_line(next(filter(None, lines), "") or unit.name or unit.kind)


def _find_activity(doing: Doing, calls: Sequence[Interaction]) -> str:
    """Return what goes on, in a word; a model that asked for more context is asked again."""
    ended = [call for call in calls if call.status != STARTED]
    asks_on = doing.word == ASKING and bool(ended) and find_asked(ended[-1])
    return SHOWN_MORE if asks_on else doing.word


def _is_over(doing: Doing, calls: Sequence[Interaction]) -> bool:
    """Return whether a request has ended by now: the record is newer than what the server said."""
    if doing.word != ASKING or doing.since is None:
        return False
    late = [call for call in calls if call.created_at >= doing.since]
    return bool(late) and all(call.status != STARTED and not find_asked(call) for call in late)


def _list_reasons(unit: UnitOutline, most: int | None) -> Iterator[str]:
    """Say which attempt is under way and why the one before was not the last; why a unit failed."""
    failed = next((a for a in reversed(unit.attempts) if _find_reason(a)), None)
    if failed is None or unit.state == "success":
        return
    reason = escape_line(_find_reason(failed))
    if unit.has_ended and unit.state != "unfinished":
        yield reason
        return
    number = max(*(attempt.number for attempt in unit.attempts), failed.number + 1)
    of = f"/{most}" if most is not None and most >= number else ""
    yield f"attempt {number}{of}, after {reason}"


def _find_reason(attempt: AttemptOutline) -> str:
    return "" if attempt.result is None else attempt.result.reason


def _sum_parts(parts: Sequence[UnitOutline]) -> Row:
    done = sum(part.has_ended for part in parts)
    answered = sum(part.state == ANSWERED for part in parts)
    said = f"{done} of {format_count(len(parts), 'sub-task')} done"
    said += f", {answered} answered" if answered else ""
    return Row("waiting", said, indent=INDENT)


def _format_span(began: datetime | None, ended: datetime) -> str:
    return "" if began is None else format_duration(ended - began)


def _find_end(calls: Sequence[Interaction]) -> datetime | None:
    ends = [call.created_at + timedelta(milliseconds=call.latency_ms) for call in calls]
    return max(ends, default=None)


def _format_tokens(calls: Iterable[Interaction], doing: Doing | None) -> str:
    """Format the tokens on record, with those that are just coming."""
    tally = tally_calls((call for call in calls if call.status != STARTED), NO_PRICES)
    coming = doing.tokens if doing is not None else 0
    if has_tokens(tally):
        more = "+" if tally.unreported else ""
        sent = f"{format_tokens(tally.shown.input_tokens):>5} in "
    elif coming:
        more, sent = "", ""
    else:
        return ""
    about = "~" if coming else ""
    said = f"{about}{format_tokens(tally.shown.output_tokens + coming)}"
    return f"{sent}{said:>6} out{more}"


def has_tokens(tally: Tally) -> bool:
    """Return whether anybody has reported tokens, or pretends to."""
    return tally.is_simulated or tally.unreported < tally.paid


def render_rows(rows: Sequence[Row], names: Sequence[Row], width: int) -> Iterator[Text]:
    """Put the figures of rows below each other, behind their names.

    Args:
        rows: The rows.
        names: Rows whose names are given room: more than are shown, so that nothing jumps when
            others are.
        width: Columns of the terminal; names are cut to it, and figures left out.
    """
    columns = _choose_columns(names, width)
    room = width - sum(len(GAP) + column for column in columns)
    labelled = max((_measure_name(row, labelled=True) for row in names), default=0) <= room
    widest = max((_measure_name(row, labelled=labelled) for row in names), default=0)
    for row in rows:
        yield (
            _render_remark(row)
            if row.is_remark
            else _render_row(row, columns, min(widest, room), labelled=labelled)
        )


def _choose_columns(rows: Sequence[Row], width: int) -> tuple[int, ...]:
    """Choose the figures that leave names some room, the least telling left out first."""
    times, tokens = ([len(getattr(row, name)) for row in rows] for name in ("time", "tokens"))
    columns: tuple[int, ...] = (WORD_WIDTH, max(times, default=0), max(tokens, default=0))
    while columns and width - sum(len(GAP) + column for column in columns) < SMALLEST_NAME:
        columns = columns[:-1]
    return columns


def _measure_name(row: Row, *, labelled: bool) -> int:
    label = cell_len(row.label) + len(GAP) if labelled and row.label else 0
    return len(row.indent) + 2 + cell_len(row.name) + label


def _render_row(row: Row, columns: Sequence[int], room: int, *, labelled: bool) -> Text:
    style = STYLES.get(row.state, "red")
    is_waiting = row.state in {"waiting", NOT_STARTED}
    text = Text.assemble(
        row.indent,
        (SIGNS.get(row.state, "✗"), style),
        (f" {row.name}", "dim" if is_waiting else ""),
    )
    if labelled and row.label:
        text.append(f"{GAP}{row.label}", style="dim")
    if not (row.word or row.time or row.tokens):
        return text
    text.truncate(room, overflow="ellipsis", pad=True)
    cells = (row.word.ljust(WORD_WIDTH), row.time, row.tokens)
    for number, (cell, column) in enumerate(zip(cells, columns, strict=False)):
        text.append(f"{GAP}{cell:>{column}}", style="" if number else style)
    text.rstrip()
    return text


def _render_remark(row: Row) -> Text:
    return Text(f"{row.indent}    {row.name}", style=ALERT if row.state in SIGNS else "red")
