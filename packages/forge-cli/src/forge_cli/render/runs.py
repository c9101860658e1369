"""Runs as text: the list, and the tree of one."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from forge_cli.render.figures import (
    format_age,
    format_count,
    format_duration,
    format_milliseconds,
    format_moment,
)
from forge_cli.render.text import escape, escape_line
from forge_cli.render.tree import AttemptView, CheckView, ResultView, UnitView
from forge_cli.render.views import RunView

HEADER = ("WORKFLOW ID", "TASK", "STATUS", "STEPS", "CALLS", "TOKENS", "DURATION", "AGE")
STATUS_COLUMN = HEADER.index("STATUS")

STYLES = {
    "success": "green",
    "running": "cyan",
    "interrupted": "yellow",
    "cancelled": "yellow",
    "failure_retryable": "yellow",
    "failure_terminal": "red",
    "error": "red",
    "failed": "red",
}
"""Colours of statuses, on terminals."""


def render_run_list(views: Sequence[RunView]) -> Text:
    """Render runs as aligned columns; ids are whole, so that they can be copied."""
    rows = [HEADER, *(_list_row(view) for view in views)]
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [_render_row(row, widths) for row in rows]
    return Text("\n").join(lines)


def render_run(view: RunView) -> Text:
    """Render one run: what it is, then planner, steps, sub-tasks and attempts."""
    lines = [_header_line(label, value) for label, value in _header(view) if value]
    lines += _tree(view)
    return Text("\n").join(lines)


def render_outcome(workflow_id: str, status: str, result: ResultView) -> Text:
    """Render how a run ended, in a few lines."""
    lines = [Text.assemble("run ", workflow_id, ": ", _styled(status))]
    if result.error:
        lines.append(Text(f"  error   {escape_line(result.error)}"))
    if result.branch:
        lines.append(Text(f"  branch  {result.branch} ({format_count(len(result.files), 'file')})"))
    return Text("\n").join(lines)


def format_tokens(view: RunView) -> str:
    """Format the tokens of a run; a plus says that some were not reported."""
    totals = view.totals
    unknown = "+" if totals.unreported else ""
    return f"{totals.input_tokens:,} in, {totals.output_tokens:,} out{unknown}"


def _list_row(view: RunView) -> tuple[str, ...]:
    run = view.run
    if run.broken:
        shown = escape_line(run.workflow_id) or f"row {run.id}"
        return (shown, escape_line(run.task_id), "broken row", "-", "-", "-", "-", "-")
    duration = view.duration
    return (
        escape_line(run.workflow_id),
        escape_line(run.task_id),
        escape_line(view.status),
        view.result.describe_steps(),
        f"{view.totals.calls:,}",
        format_tokens(view),
        format_duration(duration) if duration is not None else "-",
        format_age(run.created_at, view.now),
    )


def _render_row(row: Sequence[str], widths: Sequence[int]) -> Text:
    padded = [
        cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
    ]
    cells = [Text(cell) for cell in padded]
    cells[STATUS_COLUMN].stylize(STYLES.get(row[STATUS_COLUMN], ""))
    line = Text("  ").join(cells)
    line.rstrip()
    return line


def _header(view: RunView) -> list[tuple[str, Text | str | None]]:
    run, result = view.run, view.result
    duration = view.duration
    took = f", took {format_duration(duration)}" if duration is not None else ""
    return [
        ("run", escape_line(run.workflow_id)),
        ("task", escape_line(run.task_id)),
        ("status", _styled(view.status)),
        ("repo", escape_line(run.repo_root or "")),
        ("branch", escape_line(result.branch or "")),
        ("worktree", escape_line(result.worktree or "")),
        ("model", escape_line(run.model_name or "")),
        ("started", format_moment(run.created_at) + took),
        ("calls", f"{view.totals.calls:,} ({format_tokens(view)})"),
        ("files", ", ".join(escape_line(path) for path in result.files)),
        ("error", escape_line(result.error or "")),
        ("broken", escape_line(run.broken or "")),
    ]


def _header_line(label: str, value: Text | str | None) -> Text:
    return Text.assemble(f"{label:<9} ", value or "")


def _tree(view: RunView) -> list[Text]:
    result = view.result
    lines = []
    if result.planner is not None:
        lines.append(Text(f"planner   {_describe_stats(result.planner)}"))
    for step in result.steps:
        lines += _unit_lines("step", step, "")
    started = {step.name for step in result.steps}
    lines += [
        Text(f"step {escape_line(name)}: not started: {_first_line(description)}")
        for name, description in result.plan
        if name not in started
    ]
    for attempt in result.attempts:
        lines += _attempt_lines(attempt, "")
    return [Text(), *lines] if lines else []


def _unit_lines(kind: str, unit: UnitView, indent: str) -> list[Text]:
    title = Text.assemble(f"{indent}{kind} {escape_line(unit.name)}: ", _styled(unit.status))
    if unit.commit:
        title.append(f", commit {escape_line(unit.commit[:12])}")
    if unit.description:
        title.append(f": {_first_line(unit.description)}")
    lines = [title]
    if unit.error and unit.status != "success":
        lines.append(Text(f"{indent}  error: {escape_line(unit.error)}"))
    for part in unit.parts:
        lines += _unit_lines("sub-task", part, indent + "  ")
    for attempt in unit.attempts:
        lines += _attempt_lines(attempt, indent + "  ")
    return lines


def _attempt_lines(attempt: AttemptView, indent: str) -> list[Text]:
    took = format_milliseconds(attempt.duration_ms)
    title = Text.assemble(
        f"{indent}attempt {attempt.number}: ", _styled(attempt.signal), f" in {took}"
    )
    if attempt.commit:
        title.append(f", commit {escape_line(attempt.commit[:12])}")
    if attempt.error:
        title.append(f": {escape_line(attempt.error)}")
    lines = [title]
    if attempt.stats is not None:
        lines.append(Text(f"{indent}  model {_describe_stats(attempt.stats)}"))
    for check in attempt.checks:
        lines += _check_lines(check, indent + "  ")
    return lines


def _check_lines(check: CheckView, indent: str) -> list[Text]:
    verdict = _styled("success", "passed") if check.passed else _styled("failed")
    summary = escape_line(check.summary)
    lines = [Text.assemble(f"{indent}{escape_line(check.name)} ", verdict, f": {summary}")]
    if not check.passed and check.details:
        details = escape(check.details).rstrip().replace("\n", f"\n{indent}  ")
        lines.append(Text(f"{indent}  {details}"))
    return lines


def _describe_stats(stats: Mapping[str, Any]) -> str:
    latency = stats.get("latency_ms")
    shown = format_milliseconds(latency) if isinstance(latency, int | float) else "?"
    return escape_line(
        f"{stats.get('model_name')}: {stats.get('input_tokens')} tokens in, "
        f"{stats.get('output_tokens')} out, {shown}"
    )


def _first_line(text: str) -> str:
    return escape_line(text.strip().split("\n", 1)[0])


def _styled(status: str, shown: str | None = None) -> Text:
    return Text(escape_line(shown or status), style=STYLES.get(status, ""))
