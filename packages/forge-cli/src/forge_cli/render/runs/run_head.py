"""What one run is, how it stands, and where its time and money went, as lines with labels."""

from collections.abc import Iterator

from forge_obs import RUNNING
from rich.cells import cell_len, chop_cells
from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.program import as_started
from forge_cli.render.budget import describe_budget, describe_stop
from forge_cli.render.figures import describe_cost, format_count, format_duration, format_moment
from forge_cli.render.runs.layout import MOST_CHARACTERS, Layout, cut_line, make_line
from forge_cli.render.table import style_status
from forge_cli.render.times import PURPOSES, describe_pause, describe_waits, format_seconds
from forge_cli.render.wrapping import wrap
from forge_cli.views.costs import Prices, Tally, tally_calls
from forge_cli.views.outline import Outline
from forge_cli.views.run import RunView
from forge_cli.views.spending import find_waste, split_time

LABEL = 10
"""Columns of a label and the blank behind it."""

MOST_LINES = 4
"""Lines of a text that are shown."""

Value = Text | str
"""A text is shown whole, since it holds an id or a command; a string is broken into lines."""


def render_head(view: RunView, outline: Outline, prices: Prices, layout: Layout) -> list[Text]:
    """Render what is known of a run as a whole.

    Args:
        view: The run.
        outline: What it consists of, whole.
        prices: Prices of the models of its calls.
        layout: How wide it may be; long texts are broken into lines, ids and commands never.
    """
    facts = [*_list_facts(view, layout), *_list_figures(view, outline, prices, layout)]
    return [line for label, value in facts if value for line in _label(label, value, layout)]


def _label(label: str, value: Value, layout: Layout) -> Iterator[Text]:
    """Put a label before a value, and blanks before its further lines.

    A text that would run over the edge behind its label stands below it, where it can be copied.
    """
    if isinstance(value, Text):
        is_long = layout.width is not None and LABEL + cell_len(value.plain) > layout.width
        yield from [Text(label), value] if is_long else [Text.assemble(f"{label:<{LABEL}}", value)]
        return
    lines = _break(value, layout.width)
    if len(lines) > MOST_LINES and not layout.details:
        lines = [*lines[: MOST_LINES - 1], f"{lines[MOST_LINES - 1]} …"]
    for number, line in enumerate(lines):
        yield cut_line(Text(f"{'' if number else label:<{LABEL}}{line}"), layout.width)


def _break(text: str, width: int | None) -> list[str]:
    """Break a text into lines between words; a word that fits into none is broken, too."""
    if width is None:
        return [text]
    room = max(1, width - LABEL)
    return [
        piece
        for line in wrap(text, room)
        for piece in (chop_cells(line, room) if cell_len(line) > room else [line])
    ]


def _list_facts(view: RunView, layout: Layout) -> Iterator[tuple[str, Value]]:
    run, result = view.run, view.result
    yield "run", Text(escape_line(run.workflow_id), style="bold")
    yield "task", Text(escape_line(run.task_id))
    yield "asked for", _join_lines(run.description or "", layout)
    yield "status", style_status(view.status)
    yield "reason", make_line(view.reason)
    if view.resume is not None:
        yield "resume", Text(as_started(view.resume))
        yield "cancel", Text(as_started(f"forge cancel {escape_line(run.workflow_id)}"))
    yield "obstacle", Text(as_started(view.obstacle or ""))
    yield "repo", Text(escape_line(run.repo_root or ""))
    yield "branch", Text(escape_line(result.branch or ""))
    yield "worktree", Text(escape_line(result.worktree or ""))
    yield "model", Text(escape_line(run.model_name or ""))
    took = ""
    if view.duration is not None:
        length = format_duration(view.duration)
        took = f", {length} so far" if view.status == RUNNING else f", took {length}"
        took += describe_pause(view.paused_s)
    yield "started", format_moment(run.created_at, layout.zone) + took
    yield "steps", _describe_steps(view)


def _list_figures(
    view: RunView, outline: Outline, prices: Prices, layout: Layout
) -> Iterator[tuple[str, Value]]:
    result, tally = view.result, tally_calls(outline.calls, prices)
    yield "calls", _describe_calls(tally, running=view.status == RUNNING)
    yield "unknown", _describe_unanswered(view)
    yield "cost", describe_cost(tally, prices)
    yield "budget", describe_budget(result.budget)
    yield "stopped", describe_stop(result.budget) if view.has_stopped else ""
    yield "waste", _describe_waste(outline, prices)
    yield from _list_times(view, outline)
    yield "files", ", ".join(escape_line(path) for path in result.files)
    yield "deleted", ", ".join(escape_line(path) for path in result.deleted_files)
    if layout.details or not view.reason:
        yield "error", escape_line(result.error if result.error not in {None, view.status} else "")
    yield "broken", escape_line(view.run.broken or "")


def _join_lines(text: str, layout: Layout) -> str:
    """Return a description in one line, as far as it is shown."""
    joined = escape_line(" ".join((text if layout.details else text[:MOST_CHARACTERS]).split()))
    return joined if layout.width is not None or layout.details else make_line(text)


def _describe_steps(view: RunView) -> str:
    if not view.result.plan:
        return escape_line(view.activity)
    activity = f"; at {escape_line(view.activity)}" if view.activity else ""
    return f"{view.result.describe_steps()} done{activity}"


def _describe_calls(tally: Tally, *, running: bool) -> str:
    if tally.scripted == tally.calls:
        scripted = ", scripted or replayed" if tally.calls else ""
        return f"{tally.calls:,}{scripted}{_describe_simulation(tally)}"
    cached = f", {tally.cached_tokens:,} of them cached" if tally.cached_tokens else ""
    under_way = tally.unanswered if running else 0
    unreported = tally.unreported - under_way
    tokens = f"{tally.input_tokens:,} in{cached}, {tally.output_tokens:,} out"
    parts = [
        tokens if tally.unreported < tally.paid else "",
        f"{unreported:,} reported none" if unreported > 0 else "",
        f"{under_way:,} under way" if under_way else "",
    ]
    refused = f", {tally.refused:,} refused" if tally.refused else ""
    scripted = f", {tally.scripted:,} scripted or replayed" if tally.scripted else ""
    said = ", ".join(filter(None, parts))
    return f"{tally.calls:,}{f' ({said})' if said else ''}{refused}{scripted}"


def _describe_simulation(tally: Tally) -> str:
    if not tally.is_simulated:
        return ""
    sums = tally.simulation
    return f", simulated {sums.input_tokens:,} tokens in, {sums.output_tokens:,} out"


def _describe_unanswered(view: RunView) -> str:
    tally = view.totals
    if view.status == RUNNING or not tally.unanswered:
        return ""
    billed = ", which may have been billed" if tally.paid else ""
    return f"outcome of {format_count(tally.unanswered, 'call')}{billed}"


def _describe_waste(outline: Outline, prices: Prices) -> str:
    share = find_waste(outline, prices)
    if not share:
        return ""
    return f"{share:.0%} of tokens went to discarded attempts"


def _list_times(view: RunView, outline: Outline) -> Iterator[tuple[str, str]]:
    """Say what a run's time went to, and who waited for what during the rest."""
    if view.duration is None:
        return
    running = view.status == RUNNING
    split = split_time(
        outline, view.run.created_at, view.duration, running=running, paused_s=view.paused_s
    )
    spent = [f"{PURPOSES[name]} {format_seconds(s)}" for name, s in split.spent_s.items()]
    once = " (parallel work counts once)" if outline.has_parts else ""
    yield "time", ", ".join(spent) + once
    yield "waited", describe_waits(split.waits_s, has_account=view.has_account)
