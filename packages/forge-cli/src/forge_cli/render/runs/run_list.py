"""Runs as text, one below the other."""

from collections.abc import Mapping, Sequence

from forge_obs import BUDGET, INTERRUPTED
from rich.cells import cell_len
from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.program import as_started
from forge_cli.render.budget import describe_stop
from forge_cli.render.figures import format_age, format_cost, format_duration, format_sum
from forge_cli.render.runs.layout import Layout, cut_line, make_line
from forge_cli.render.table import (
    GAP,
    STYLES,
    align,
    fit_columns,
    measure_columns,
    name_status,
    style_status,
)
from forge_cli.render.wrapping import wrap
from forge_cli.views.run import RunView

NAME, ABOUT = "RUN", "ABOUT"

COLUMNS = (
    NAME,
    "TASK",
    "STATUS",
    "STEPS",
    "MODEL",
    "CALLS",
    "IN",
    "OUT",
    "COST",
    "DURATION",
    "AGE",
)

FIGURES = frozenset({"CALLS", "IN", "OUT", "COST"})
"""Columns whose cells stand at the right."""

DISPENSABLE = ("TASK", "OUT", "IN", "CALLS", "DURATION", "MODEL", "COST", "AGE", "STEPS")
"""Columns that a narrow terminal does without, the first one first."""

LEAST = ("STATUS", "STEPS", "COST", "AGE")
"""Columns for which a long id makes room: they stand in the line below it."""

SHORTEST_NAME, USUAL_NAME = 16, 40
"""Columns that ids get on the narrowest terminal, and for which all others make room."""

INDENT = "  "

ROOM = 60
"""Columns that must be left for what a run is about to stand in its line."""

SCRIPTED = "scripted:"
"""Before the path of the file with a scripted model's answers."""

HINTS = {
    INTERRUPTED: "interrupted: forge resume ID continues a run, forge cancel ID ends it",
    BUDGET: "budget: forge resume ID with a new limit, such as --max-cost 5, continues a run, "
    "forge cancel ID ends it",
}
"""What can be done with a run that has not ended, by its status."""

Row = Mapping[str, Text]
"""Cells by column."""


def render_run_list(views: Sequence[RunView], layout: Layout | None = None) -> Text:
    """Render runs as aligned columns, and what each is about.

    Ids are whole, so that they can be copied. What a run is about, why it failed or what it does
    and what it was asked for, stands at the end of its line where nothing is cut or that much room
    is left, else in a line below. An id that leaves no room for the most important columns has a
    line of its own.

    Args:
        views: The runs, in order.
        layout: Its width decides which less important columns are left out.
    """
    width = (layout or Layout()).width
    header: Row = {name: Text(name) for name in (*COLUMNS, ABOUT)}
    rows = [header, *map(_build_row, views)]
    widths = {name: max(cell_len(row[name].plain) for row in rows) for name in COLUMNS}
    if width is not None:
        widths[NAME] = _limit_name(widths, width)
    columns = fit_columns(widths, DISPENSABLE, width)
    room = None if width is None else width - measure_columns(columns) - GAP
    is_beside = room is None or room >= ROOM
    names = [*columns, ABOUT] if is_beside else [*columns]
    right = {number for number, name in enumerate(names) if name in FIGURES}
    is_long = [cell_len(row[NAME].plain) > widths[NAME] for row in rows]
    cells = [
        [Text() if long and name == NAME else row[name] for name in names]
        for row, long in zip(rows, is_long, strict=True)
    ]
    lines: list[Text] = []
    for row, line, long in zip(rows, align(cells, right=right), is_long, strict=True):
        lines += [row[NAME]] if long else []
        lines.append(cut_line(line, width))
        if not is_beside and row is not header and row[ABOUT].plain:
            lines.append(cut_line(Text(INDENT) + row[ABOUT], width))
    hints = [Text(part) for hint in _list_hints(views) for part in wrap(hint, width)]
    return Text("\n").join([*lines, *([Text(), *hints] if hints else [])])


def _limit_name(widths: Mapping[str, int], width: int) -> int:
    """Return how wide the column of ids is; a longer one has a line of its own."""
    least = sum(widths[name] + GAP for name in LEAST)
    others = measure_columns(widths) - widths[NAME]
    room = max(SHORTEST_NAME, width - others, min(USUAL_NAME, width - least))
    return min(widths[NAME], room)


def _list_hints(views: Sequence[RunView]) -> list[str]:
    return [
        *{f"cost by genai-prices {view.price_data}" for view in views if view.price_data},
        *dict.fromkeys(as_started(HINTS[view.status]) for view in views if view.resume),
        *(
            f"{escape_line(view.run.workflow_id)}: {as_started(view.obstacle)}"
            for view in views
            if view.obstacle
        ),
    ]


def render_run_news(before: Sequence[RunView], after: Sequence[RunView]) -> list[str]:
    """Say which runs are new or stand otherwise than at the last look, oldest first."""
    earlier = {view.run.workflow_id: _describe_news(view) for view in before}
    news = [_describe_news(view) for view in reversed(after)]
    return [line for line in news if line not in earlier.values()]


def _describe_news(view: RunView) -> str:
    steps = f", {view.result.describe_steps()} steps" if view.result.plan else ""
    reason = f": {make_line(view.reason)}" if view.reason else ""
    return f"run {escape_line(view.run.workflow_id)}: {name_status(view.status)}{steps}{reason}"


def _build_row(view: RunView) -> Row:
    run, totals, duration = view.run, view.totals, view.duration
    if run.broken:
        cells = dict.fromkeys((*COLUMNS, ABOUT), Text("-"))
        name = Text(escape_line(run.workflow_id) or f"row {run.id}")
        task, about = Text(escape_line(run.task_id)), Text(make_line(run.broken))
        return cells | {NAME: name, "TASK": task, "STATUS": Text("broken row"), ABOUT: about}
    figures = {
        "STEPS": view.result.describe_steps(),
        "MODEL": name_model(run.model_name),
        "CALLS": f"{totals.calls:,}",
        "IN": format_sum(totals, totals.shown.input_tokens),
        "OUT": format_sum(totals, totals.shown.output_tokens),
        "COST": format_cost(totals),
        "DURATION": format_duration(duration) if duration is not None else "-",
        "AGE": format_age(run.created_at, view.now),
    }
    return {
        NAME: Text(escape_line(run.workflow_id), style="bold"),
        "TASK": Text(escape_line(run.task_id)),
        "STATUS": style_status(view.status),
        **{name: Text(figure) for name, figure in figures.items()},
        ABOUT: _describe(view),
    }


def name_model(model: str | None) -> str:
    """Name a model in a few words; `-` for none."""
    return "-" if model is None else escape_line(shorten_model(model))


def shorten_model(model: str) -> str:
    """Leave the directories out of a scripted model's file."""
    if model.startswith(SCRIPTED):
        return SCRIPTED + model.removeprefix(SCRIPTED).rpartition("/")[2]
    return model


def _describe(view: RunView) -> Text:
    """Say why a run failed or what it does, then what it was asked for."""
    stopped = f"stopped {describe_stop(view.result.budget)}" if view.has_stopped else ""
    note = view.reason or stopped or view.activity
    description = make_line(view.run.description or "")
    first = Text(make_line(note), style=STYLES.get(view.status, ""))
    gap = " · " if first.plain and description else ""
    return Text.assemble(first, gap, (description, "dim"))
