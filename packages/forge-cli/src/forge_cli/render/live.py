"""A run while it goes on, as one screen that fits its terminal or as lines of what is new; pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from forge_core.models.run import PendingActivity
from forge_obs import STARTED, Interaction
from rich.cells import cell_len
from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.render.budget import describe_limits
from forge_cli.render.figures import (
    format_cost,
    format_count,
    format_duration,
    format_tokens,
)
from forge_cli.render.table import STYLES
from forge_cli.views.budget import NO_BUDGET, BudgetView
from forge_cli.views.costs import NO_PRICES, Prices, Tally, tally_calls
from forge_cli.views.outline import ANSWERED, Outline, UnitOutline
from forge_cli.views.result import AttemptView, ResultView, UnitView

SIGNS = {"success": "✓", "running": "●", ANSWERED: "●", "waiting": "○"}
"""Signs of states; any other is an end that is no success."""

ACTIVITIES = {
    "assemble_context": "assembling the context",
    "assemble_planner_context": "assembling the planner's context",
    "call_llm": "asking the model",
    "call_planner": "asking the planner",
    "commit_attempt": "committing",
    "create_sub_worktree": "making a worktree",
    "create_worktree": "making the worktree",
    "gather_sub_tasks": "gathering the sub-tasks",
    "remove_sub_task_worktrees": "removing the sub-tasks' worktrees",
    "reset_worktree_to": "resetting the worktree",
    "validate_output": "checking what was written",
    "write_output": "writing files",
}
"""What goes on, by the activity's name; any other is called by it."""

LONGEST_NAME = 36
"""Columns of a name; the figures behind it fit a terminal of 80."""

MOST_ACTIVITIES = 6
"""Lines for what goes on now."""

SMALLEST_TREE = 3
"""Lines that are left for the tree on the lowest terminal."""


EMPTY = Outline()


@dataclass(frozen=True, slots=True)
class LiveState:
    """What is known of a run that goes on."""

    workflow_id: str
    began: datetime
    outline: Outline = EMPTY
    prices: Prices = NO_PRICES
    pending: tuple[PendingActivity, ...] = ()
    budget: BudgetView = NO_BUDGET


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the tree: name and figures, and the state that colours it."""

    state: str
    name: str
    figures: str = ""
    indent: str = ""


def render_live(state: LiveState, now: datetime, *, width: int, height: int) -> Text:
    """Render a run: the tree of its units, what goes on, and the sums.

    Args:
        state: What is known of it.
        now: The present moment.
        width: Columns of the terminal; longer lines are cut.
        height: Lines of the terminal; what is done or far away is collapsed.
    """
    activities = list_activities(state, now)
    most = max(1, min(MOST_ACTIVITIES, height // 3))
    bottom = [Text(line, style="cyan") for line in _cut_list(activities, most)]
    bottom.append(Text(describe_totals(state, now), style="bold"))
    room = max(SMALLEST_TREE, height - len(bottom) - 1)
    tree = fit_tree(state.outline, now, room)
    lines = [*_render_tree(tree), *bottom]
    for line in lines:
        line.truncate(max(1, width), overflow="ellipsis")
    return Text("\n", no_wrap=True).join(lines)


def describe_totals(state: LiveState, now: datetime) -> str:
    """Say what a run has done and cost so far, in one line; requests that are out come later."""
    outline = state.outline
    tally = _tally(outline.calls, state.prices)
    steps = [f"{outline.steps_done}/{outline.planned} steps"] if outline.planned else []
    calls = [format_count(len(outline.calls), "call")] if outline.calls else []
    tokens = [" ".join(_format_tokens(tally).split())] if _has_tokens(tally) else []
    elapsed, budget = now - state.began, state.budget
    cost = [_describe_cost(tally)] if tally.paid and budget.max_cost_usd is None else []
    took = [format_duration(elapsed)] if budget.max_duration_s is None else []
    limits = describe_limits(budget, tally, elapsed)
    return " · ".join([*steps, *calls, *tokens, *cost, *limits, *took])


def list_activities(state: LiveState, now: datetime) -> list[str]:
    """List what goes on: Temporal's activities, else the requests that are out."""
    if state.pending:
        return [_describe_pending(state, pending, now) for pending in state.pending]
    return [
        f"{_join(call.step_id, call.sub_task_id)}asking {escape_line(call.model_name)}, "
        f"{format_duration(now - call.created_at)}"
        for call in state.outline.list_in_flight()
    ]


def describe_activity(root_id: str, pending: PendingActivity) -> str:
    """Name an activity, and the sub-task that it belongs to."""
    path = pending.workflow_id.removeprefix(root_id).strip("/").split("/")
    where = _join(path[0], path[-1]) if len(path) > 1 else ""
    return where + ACTIVITIES.get(pending.name, escape_line(pending.name))


def _describe_pending(state: LiveState, pending: PendingActivity, now: datetime) -> str:
    text = f"{describe_activity(state.workflow_id, pending)}, "
    if pending.next_attempt_at is not None:
        left = format_duration(pending.next_attempt_at - now)
        text += f"try {pending.attempt} in {left}"
    elif not pending.running:
        text += f"waiting for a worker, {format_duration(now - pending.since)}"
    else:
        text += format_duration(now - pending.since)
        text += f", try {pending.attempt}" if pending.attempt > 1 else ""
        text += f", about {format_tokens(pending.tokens)} tokens" if pending.tokens else ""
    return text + (f": {escape_line(pending.failure)}" if pending.failure else "")


def fit_tree(outline: Outline, now: datetime, room: int) -> list[_Line]:
    """Return the lines of the tree, at most so many.

    Units that have ended are collapsed first, then those that wait, then the sub-tasks that have
    ended, so that what goes on stays in sight.
    """
    done = [unit for unit in outline.units if unit.ended]
    active = [unit for unit in outline.units if unit.state == "running"]
    waiting = [unit for unit in outline.units if unit.state == "waiting"]
    head = list(_planner_lines(outline))
    middle = [line for unit in active for line in _unit_lines(unit, now)]
    before = [line for unit in done for line in _unit_lines(unit, now)]
    after = [line for unit in waiting for line in _unit_lines(unit, now)]
    if len(head) + len(before) + len(middle) + len(after) <= room:
        return head + before + middle + after
    before = _collapse(done, before, room=max(1, (room - len(head) - len(middle)) // 2))
    if len(middle) > room - len(head) - len(before) - 1:
        middle = [line for unit in active for line in _unit_lines(unit, now, shortly=True)]
    left = room - len(head) - len(before) - len(middle)
    after = _cut_lines(after, max(left, 1 if after else 0), "waiting")
    fixed = len(head) + len(before) + len(after)
    return head + before + _cut_lines(middle, max(1, room - fixed), "running") + after


def _collapse(units: Sequence[UnitOutline], lines: list[_Line], room: int) -> list[_Line]:
    """Collapse units that have ended into one line, all but the last few."""
    if len(lines) <= room:
        return lines
    failed = sum(unit.state != "success" for unit in units)
    said = f"{format_count(len(units) - failed, 'step')} done"
    said += f", {failed} failed" if failed else ""
    return [_Line("success" if not failed else "failed", said)]


def _cut_lines(lines: list[_Line], room: int, state: str) -> list[_Line]:
    if len(lines) <= room:
        return lines
    head = lines[: max(0, room - 1)]
    return [*head, _Line(state, f"… {len(lines) - len(head):,} more {state}")]


def _cut_list(lines: Sequence[str], room: int) -> list[str]:
    if len(lines) <= room:
        return list(lines)
    return [*lines[: room - 1], f"… {len(lines) - room + 1:,} more at the same time"]


def _planner_lines(outline: Outline) -> Iterator[_Line]:
    if outline.planner:
        state = "success" if outline.planned else "running"
        figures = f"{'':9} {'':>10} {_format_tokens(_tally(outline.planner, NO_PRICES))}"
        yield _Line(state, "planner", figures)


def _unit_lines(unit: UnitOutline, now: datetime, *, shortly: bool = False) -> Iterator[_Line]:
    yield _unit_line(unit, now, "")
    if unit.state != "running":
        return
    parts = [part for part in unit.parts if part.state == "running" or not shortly]
    for part in parts:
        yield _unit_line(part, now, "  ")
    if len(parts) < len(unit.parts):
        done = sum(part.ended for part in unit.parts)
        answered = sum(part.state == ANSWERED for part in unit.parts)
        said = f"{done} of {format_count(len(unit.parts), 'sub-task')} done"
        said += f", {answered} answered" if answered else ""
        yield _Line("running", said, indent="  ")


def _unit_line(unit: UnitOutline, now: datetime, indent: str) -> _Line:
    name = escape_line(unit.name) if unit.name else unit.kind
    if unit.state not in SIGNS or unit.state == ANSWERED:
        name += f": {escape_line(unit.state)}"
    number = max((attempt.number for attempt in unit.attempts), default=0)
    if unit.state == "running" and number and unit.attempts[-1].state == "failed":
        number += 1  # the result of the attempt before is in, that of this one is not
    if not number:
        return _Line(unit.state, name, indent=indent)
    tokens = _format_tokens(_tally(unit.calls, NO_PRICES))
    figures = f"{f'attempt {number}':9} {_elapsed(unit, now):>10} {tokens}"
    return _Line(unit.state, name, figures, indent)


def _elapsed(unit: UnitOutline, now: datetime) -> str:
    span = unit.find_span()
    if span is None:
        return ""
    return format_duration((span[1] if unit.ended else now) - span[0])


def _render_tree(lines: Sequence[_Line]) -> Iterator[Text]:
    """Put the figures below each other, behind the longest name that leaves them room."""
    names = [f"{line.indent}{SIGNS.get(line.state, '✗')} {line.name}" for line in lines]
    widths = [cell_len(name) for name, line in zip(names, lines, strict=True) if line.figures]
    column = min(max(widths, default=0), LONGEST_NAME)
    for name, line in zip(names, lines, strict=True):
        text = Text(name, style=STYLES.get(line.state, "red"))
        if line.figures:
            text.truncate(column, overflow="ellipsis", pad=True)
            text.append(f"  {line.figures}".rstrip(), style="none")
        yield text


def _tally(calls: Iterable[Interaction], prices: Prices) -> Tally:
    """Sum the calls that have an outcome."""
    return tally_calls((call for call in calls if call.status != STARTED), prices)


def _has_tokens(tally: Tally) -> bool:
    return tally.unreported < tally.paid


def _format_tokens(tally: Tally) -> str:
    if not _has_tokens(tally):
        return ""
    more = "+" if tally.unreported else ""
    sent, said = format_tokens(tally.input_tokens), format_tokens(tally.output_tokens)
    return f"{sent:>6} in {said:>6} out{more}"


def _describe_cost(tally: Tally) -> str:
    return "cost unknown" if tally.unpriced == tally.paid else format_cost(tally)


def _join(*parts: str | None) -> str:
    shown = " / ".join(escape_line(part) for part in parts if part)
    return f"{shown}: " if shown else ""


def render_progress(before: ResultView, after: ResultView) -> list[str]:
    """Say what happened between two looks at the same run."""
    lines = []
    if after.plan and not before.plan:
        names = ", ".join(escape_line(step.name) for step in after.plan)
        lines.append(f"planned {format_count(len(after.plan), 'step')}: {names}")
    lines += _attempts("task", before.attempts, after.attempts)
    earlier_steps = {step.name: step for step in before.steps}
    for number, step in enumerate(after.steps, start=1):
        label = f"step {number}/{len(after.plan)} {escape_line(step.name)}"
        lines += _unit(label, earlier_steps.get(step.name), step)
    return lines


def _unit(label: str, before: UnitView | None, after: UnitView) -> Iterator[str]:
    earlier_parts = {part.name: part for part in before.parts} if before else {}
    for part in after.parts:
        name = f"{label} / {escape_line(part.name)}"
        earlier = earlier_parts[part.name].attempts if part.name in earlier_parts else ()
        failed = [
            attempt for attempt in part.attempts[len(earlier) :] if attempt.signal != "success"
        ]
        yield from _attempts(name, (), failed)
    yield from _attempts(label, before.attempts if before else (), after.attempts)
    status = before.status if before else "running"
    if after.status not in {status, "running"}:
        commit = f", commit {escape_line(after.commit[:12])}" if after.commit else ""
        parts = f", {format_count(len(after.parts), 'sub-task')}" if after.parts else ""
        yield f"{label}: {escape_line(after.status)}{parts}{commit}"


def _attempts(
    label: str, before: Sequence[AttemptView], after: Sequence[AttemptView]
) -> Iterator[str]:
    for attempt in after[len(before) :]:
        if attempt.signal == "success":
            said = "; ".join(escape_line(check.remark) for check in attempt.remarks)
            yield f"{label}: attempt {attempt.number} passed{f' ({said})' if said else ''}"
        else:
            reason = escape_line(attempt.error or attempt.signal)
            yield f"{label}: attempt {attempt.number} failed: {reason}"


def render_call_events(before: Sequence[Interaction], after: Sequence[Interaction]) -> list[str]:
    """Say which requests to models have failed since the last look."""
    earlier_ids = {call.id for call in before if call.status == "error"}
    return [
        _describe_failure(call)
        for call in after
        if call.status == "error" and call.id not in earlier_ids
    ]


def render_pending_events(
    root_id: str, before: Sequence[PendingActivity], after: Sequence[PendingActivity]
) -> Iterator[str]:
    """Say which activities have begun or are to be tried again, where no record tells more."""
    earlier = {_identify(pending) for pending in before}
    for pending in after:
        if _identify(pending) in earlier:
            continue
        line = describe_activity(root_id, pending)
        line += f", try {pending.attempt}" if pending.attempt > 1 else ""
        yield line + (f" after: {escape_line(pending.failure)}" if pending.failure else "")


def _identify(pending: PendingActivity) -> tuple[str, str, int]:
    return pending.workflow_id, pending.activity_id, pending.attempt


def _describe_failure(call: Interaction) -> str:
    parts = [part for part in (call.step_id, call.sub_task_id) if part]
    where = f"step {escape_line(' / '.join(parts))}" if parts else escape_line(call.role)
    attempt = f", attempt {call.attempt}" if parts and call.attempt else ""
    reason = ": ".join(part for part in (call.error_type, call.error) if part)
    return f"{where}{attempt}: a request failed: {escape_line(reason)}"
