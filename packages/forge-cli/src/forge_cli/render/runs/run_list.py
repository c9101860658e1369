"""Runs as text, one a line."""

from collections.abc import Mapping, Sequence

from forge_obs import BUDGET, INTERRUPTED
from rich.cells import cell_len
from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.program import as_started
from forge_cli.render.figures import format_age, format_cost, format_duration, format_sum
from forge_cli.render.table import align, name_status, style_status
from forge_cli.views.run import RunView

COLUMNS = (
    "WORKFLOW ID",
    "TASK",
    "STATUS",
    "STEPS",
    "CALLS",
    "IN",
    "OUT",
    "COST",
    "DURATION",
    "AGE",
)

DISPENSABLE = ("TASK", "CALLS", "STEPS", "DURATION", "OUT", "IN", "COST")
"""Columns that a narrow terminal does without, the first one first."""

INDENT = "  "

HINTS = {
    INTERRUPTED: "interrupted: forge resume ID continues a run, forge cancel ID ends it",
    BUDGET: "budget: forge resume ID with a new limit, such as --max-cost 5, continues a run, "
    "forge cancel ID ends it",
}
"""What can be done with a run that has not ended, by its status."""

Row = Mapping[str, str]
"""Cells by column."""


def render_run_list(views: Sequence[RunView], *, width: int | None = None) -> Text:
    """Render runs as aligned columns; ids are whole, so that they can be copied.

    Args:
        views: The runs, in order.
        width: Columns of the terminal, for which less important ones are left out; None for all.
            Where an id leaves room for none of them, the figures stand in a second line.
    """
    rows: list[Row] = [{name: name for name in COLUMNS}, *(_list_row(view) for view in views)]
    widths = {name: max(cell_len(row[name]) for row in rows) for name in COLUMNS}
    beside = _fit(widths, width)
    below = _fit(widths, width, indent=len(INDENT), without=("WORKFLOW ID", "TASK"))
    if "COST" in beside:
        lines = align([_list_cells(row, beside) for row in rows])
    else:
        figures = align([_list_cells(row, below) for row in rows])
        pairs = zip(rows, figures, strict=True)
        lines = [
            line for row, line in pairs for line in (Text(row["WORKFLOW ID"]), Text(INDENT) + line)
        ]
    hints = [
        *{f"cost by genai-prices {view.price_data}" for view in views if view.price_data},
        *{as_started(HINTS[view.status]) for view in views if view.resume},
        *(
            f"{escape_line(v.run.workflow_id)}: {as_started(v.obstacle)}"
            for v in views
            if v.obstacle
        ),
    ]
    if hints:
        lines += [Text(), *map(Text, hints)]
    return Text("\n").join(lines)


def _list_cells(row: Row, columns: Sequence[str]) -> list[Text]:
    return [style_status(row[name]) if name == "STATUS" else Text(row[name]) for name in columns]


def _fit(
    widths: Mapping[str, int], room: int | None, *, indent: int = 0, without: Sequence[str] = ()
) -> list[str]:
    """Choose columns, the most important ones that find room."""
    columns = {name: width for name, width in widths.items() if name not in without}
    for name in DISPENSABLE:
        if room is not None and indent + sum(columns.values()) + 2 * (len(columns) - 1) > room:
            columns.pop(name, None)
    return list(columns)


def render_run_news(before: Sequence[RunView], after: Sequence[RunView]) -> list[str]:
    """Say which runs are new or stand otherwise than at the last look, oldest first."""
    earlier = {view.run.workflow_id: _describe_news(view) for view in before}
    news = [_describe_news(view) for view in reversed(after)]
    return [line for line in news if line not in earlier.values()]


def _describe_news(view: RunView) -> str:
    steps = f", {view.result.describe_steps()} steps" if view.result.plan else ""
    return f"run {escape_line(view.run.workflow_id)}: {name_status(view.status)}{steps}"


def _list_row(view: RunView) -> Row:
    run, totals = view.run, view.totals
    if run.broken:
        shown = escape_line(run.workflow_id) or f"row {run.id}"
        cells = {"WORKFLOW ID": shown, "TASK": escape_line(run.task_id), "STATUS": "broken row"}
        return dict.fromkeys(COLUMNS, "-") | cells
    duration = view.duration
    return {
        "WORKFLOW ID": escape_line(run.workflow_id),
        "TASK": escape_line(run.task_id),
        "STATUS": escape_line(view.status),
        "STEPS": view.result.describe_steps(),
        "CALLS": f"{totals.calls:,}",
        "IN": format_sum(totals, totals.input_tokens),
        "OUT": format_sum(totals, totals.output_tokens),
        "COST": format_cost(totals),
        "DURATION": format_duration(duration) if duration is not None else "-",
        "AGE": format_age(run.created_at, view.now),
    }
