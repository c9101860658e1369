"""Runs as text, one a line."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from forge_cli.render.figures import format_age, format_duration
from forge_cli.render.styles import STYLES
from forge_cli.render.text import escape_line
from forge_cli.render.views import RunView

HEADER = ("WORKFLOW ID", "TASK", "STATUS", "STEPS", "CALLS", "TOKENS", "DURATION", "AGE")
STATUS_COLUMN = HEADER.index("STATUS")


def render_run_list(views: Sequence[RunView]) -> Text:
    """Render runs as aligned columns; ids are whole, so that they can be copied."""
    rows = [HEADER, *(_list_row(view) for view in views)]
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [_render_row(row, widths) for row in rows]
    return Text("\n").join(lines)


def format_totals(view: RunView) -> str:
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
        format_totals(view),
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
