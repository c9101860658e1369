"""Calls of any run as text: a table of them, and where a text stands in them."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from forge_obs import STARTED, Interaction
from rich.cells import cell_len
from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.program import as_started
from forge_cli.render.calls.facts import name_call
from forge_cli.render.figures import (
    format_age,
    format_cost,
    format_count,
    format_milliseconds,
    format_short_age,
    format_sum,
)
from forge_cli.render.table import ALERT, STYLES, align, fit_columns
from forge_cli.render.wrapping import cut
from forge_cli.views.calls.outcome import UNKNOWN
from forge_cli.views.costs import Prices, tally_call
from forge_cli.views.excerpt import Excerpt, SearchResult, cut_line, cut_lines

COLUMNS = ("CALL", "AGE", "UNIT", "ROLE", "MODEL", "OUTCOME", "IN", "OUT", "COST", "TIME")

DISPENSABLE = ("ROLE", "TIME", "OUT", "MODEL", "IN", "COST", "UNIT")
"""Columns that a narrow terminal does without, the first one first."""

LONGEST_PLACE = len("messages")

USUAL_WIDTH = 160
"""Columns of a line where there is no terminal."""

WIDE, NARROW = 110, 80
"""Columns from which on a hit's line has room for its role, and for its age in short."""

UNIT_WIDTH, NARROW_UNIT_WIDTH = 30, 20
"""Columns of the unit of work in a hit's line, with and without room for the role."""

INDENT = " " * 10

ANSWERED_WITHIN: Final = timedelta(hours=1)
"""How long after its request an answer may be expected where no run tells that it is over."""

OUTCOME_STYLES = {"accepted": "green", "refused": ALERT, "unusable": "red", STARTED: ALERT}
"""Styles by what became of a call."""


def name_outcome(call: Interaction, ended_runs: Container[str], now: datetime) -> str:
    """Return in a word what became of a call: its answer's outcome, else how the request ended.

    Args:
        call: The call.
        ended_runs: Workflow ids of runs that nobody executes any more.
        now: The current moment.
    """
    if call.broken:
        return "broken row"
    if call.status == "error":
        return call.error_type or "error"
    is_over = call.workflow_id in ended_runs or (
        call.workflow_id is None and now - call.created_at > ANSWERED_WITHIN
    )
    open_word = UNKNOWN if is_over else "no answer yet"
    return call.outcome or {"ok": "answered", STARTED: open_word}.get(call.status, call.status)


def name_unit(call: Interaction) -> str:
    """Return what a call was made for: task, step, sub-task, and its attempt after the first."""
    parts = [call.task_id, call.step_id, call.sub_task_id]
    unit = "/".join(part for part in parts if part)
    return f"{unit} #{call.attempt}" if (call.attempt or 1) > 1 else unit


@dataclass(frozen=True, slots=True)
class CallListing:
    """Calls with what their lines are made of besides."""

    calls: Sequence[Interaction]
    prices: Prices
    """Of their models."""
    now: datetime
    """The current moment."""
    ended_runs: Container[str] = ()
    """Workflow ids of runs that nobody executes any more."""


def render_call_list(listing: CallListing, *, width: int | None, with_names: bool = True) -> Text:
    """Render calls as aligned columns.

    Args:
        listing: The calls in order.
        width: Columns of the terminal, for which less important ones are left out; None for all.
        with_names: Whether a line of names comes first.
    """
    rows = [_build_row(call, listing) for call in listing.calls]
    if with_names:
        rows.insert(0, {name: Text(name) for name in COLUMNS})
    widths = {name: max(cell_len(row[name].plain) for row in rows) for name in COLUMNS}
    columns = list(fit_columns(widths, DISPENSABLE, width))
    right = [columns.index(name) for name in ("IN", "OUT", "COST", "TIME") if name in columns]
    return Text("\n").join(align([[row[name] for name in columns] for row in rows], right=right))


def _build_row(call: Interaction, listing: CallListing) -> Mapping[str, Text]:
    tally = tally_call(call, listing.prices)
    outcome = name_outcome(call, listing.ended_runs, listing.now)
    style = OUTCOME_STYLES.get(call.outcome or call.status, STYLES.get(call.status, ""))
    cells: dict[str, str] = {
        "CALL": name_call(call) or f"row {call.id}",
        "AGE": "-" if call.broken else format_age(call.created_at, listing.now),
        "UNIT": escape_line(name_unit(call)),
        "ROLE": escape_line(call.role),
        "MODEL": escape_line(call.model_name),
        "IN": format_sum(tally, tally.shown.input_tokens),
        "OUT": format_sum(tally, tally.shown.output_tokens),
        "COST": format_cost(tally),
        "TIME": "-"
        if call.status == STARTED and not call.latency_ms
        else format_milliseconds(call.latency_ms),
    }
    return {
        **{name: Text(cell) for name, cell in cells.items()},
        "OUTCOME": Text(escape_line(outcome), style=style),
    }


def render_hit(
    result: SearchResult, now: datetime, *, width: int | None = None, context: int = 0
) -> Text:
    """Render where a text stands in a call, on one line unless lines around it are asked for.

    A line ends with the number of the others.

    Args:
        result: The call with its texts; the first match is shown.
        now: The current moment.
        width: Columns of the terminal; None where there is none.
        context: How many lines before and after to show.
    """
    call, columns = result.call, width or USUAL_WIDTH
    head = _head_hit(call, now, width, is_wide=columns >= WIDE or bool(context))
    if not result.matches:
        return head
    match = result.matches[0]
    head.append(f"  {match.place:<{LONGEST_PLACE}}", style="dim")
    more = Text(f"  +{result.others:,} more", style="dim") if result.others else Text()
    text = str(getattr(call, match.column))
    if context:
        room = max(20, columns - len(INDENT))
        lines = cut_lines(text, match.start, match.end, context, room)
        head.rstrip()
        return Text("\n").join([head + more, *(Text(INDENT) + _highlight(line) for line in lines)])
    room = max(20, columns - cell_len(head.plain) - cell_len(more.plain) - 2)
    hit = _highlight(cut_line(text, match.start, match.end, room))
    return Text.assemble(head, "  ", hit, more)


def _head_hit(call: Interaction, now: datetime, width: int | None, *, is_wide: bool) -> Text:
    """Render which call it is: columns of one width, for lines are printed as they are found."""
    names = [escape_line(name_unit(call)), *([escape_line(call.role)] if is_wide else [])]
    room = UNIT_WIDTH if is_wide else NARROW_UNIT_WIDTH
    unit = cut(" ".join(names), None if width is None else room)
    parts = [Text(f"{name_call(call) or f'row {call.id}':<8}", style="bold")]
    if is_wide:
        parts.append(Text(f"{format_age(call.created_at, now):>10}", style="dim"))
    elif width is None or width >= NARROW:
        parts.append(Text(f"{format_short_age(call.created_at, now):>6}", style="dim"))
    parts.append(Text(unit + " " * (room - cell_len(unit)), style="cyan"))
    return Text("  ").join(parts)


def _highlight(excerpt: Excerpt) -> Text:
    return Text.assemble(excerpt.before, (excerpt.hit, "bold red"), excerpt.after)


def render_unreadable(number: int) -> str:
    """Say that some calls could not be looked into."""
    return as_started(f"{format_count(number, 'call')} cannot be read: forge db check says why")
