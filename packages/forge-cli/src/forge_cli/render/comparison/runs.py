"""What differs between two runs: how they were started, and what became of their work."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.program import as_started
from forge_cli.render.calls.facts import name_call
from forge_cli.render.figures import (
    format_cost,
    format_count,
    format_duration,
    format_milliseconds,
    format_sum,
)
from forge_cli.render.table import Cell, align, fit_columns, style_status
from forge_cli.render.wrapping import cut, wrap
from forge_cli.views.comparison.runs import FirstDifference, Setting, Work, WorkPair
from forge_cli.views.costs import Tally
from forge_cli.views.run import RunView

COLUMNS = ("WORK", "OUTCOME", "TOKENS", "COST", "TIME")

DISPENSABLE = ("TIME", "COST", "TOKENS")
"""Columns that a narrow terminal does without, the first one first."""


NAME_CELLS = 3
"""Cells of a run's line that stay however narrow the terminal is: letter, name and status."""


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs beside each other."""

    old: RunView
    new: RunView
    settings: Sequence[Setting]
    work: tuple[WorkPair, ...]
    first: FirstDifference | None
    """Where they part ways; None where their calls are all the same."""

    @property
    def is_same(self) -> bool:
        """Whether all of their calls were told the same and said the same."""
        return self.first is None


def render_run_comparison(comparison: RunComparison, width: int | None) -> Text:
    """Render two runs beside each other."""
    blocks = [
        list(_render_heads(comparison, width)),
        list(_render_settings(comparison.settings, width)),
        list(_render_work(comparison.work, width)),
        list(_render_first(comparison.first, width)),
    ]
    return Text("\n\n").join(Text("\n").join(block) for block in blocks if block)


def _render_heads(comparison: RunComparison, width: int | None) -> Iterator[Text]:
    rows: list[list[Cell]] = []
    for letter, view in (("A", comparison.old), ("B", comparison.new)):
        totals, took = view.totals, view.duration
        rows.append(
            [
                letter,
                escape_line(view.run.workflow_id),
                style_status(view.status),
                format_count(totals.calls, "call"),
                f"{format_sum(totals, totals.shown.tokens)} tokens",
                format_cost(totals),
                "-" if took is None else format_duration(took),
            ]
        )
    lines = align(rows, right={3, 4, 5, 6})
    while width is not None and len(rows[0]) > NAME_CELLS and _exceed(lines, width):
        rows = [row[:-1] for row in rows]  # the table below has these figures, too
        lines = align(rows, right={3, 4, 5, 6})
    for line in lines:
        if width is not None:
            line.truncate(width, overflow="ellipsis")
        yield line


def _exceed(lines: Sequence[Text], width: int) -> bool:
    return any(line.cell_len > width for line in lines)


def _render_settings(settings: Sequence[Setting], width: int | None) -> Iterator[Text]:
    if not settings:
        yield Text("started alike")
        return
    yield Text("started differently", style="bold")
    for setting in settings:
        yield Text(cut(f"  {escape_line(setting.name)}", width))
        for letter, value in (("A", setting.old), ("B", setting.new)):
            room = None if width is None else max(20, width - 7)
            for number, line in enumerate(wrap(escape_line(value), room)):
                yield Text.assemble((f"    {' ' if number else letter}  ", "dim"), line)


def _render_work(pairs: Sequence[WorkPair], width: int | None) -> Iterator[Text]:
    rows = [dict(zip(COLUMNS, map(Text, COLUMNS), strict=True)), *map(_build_row, pairs)]
    widths = {name: max(cell_len(row[name].plain) for row in rows) for name in COLUMNS}
    columns = fit_columns(widths, DISPENSABLE, width)
    for line in align([[row[name] for name in columns] for row in rows]):
        if width is not None:
            line.truncate(width, overflow="ellipsis")
        yield line


def _build_row(pair: WorkPair) -> dict[str, Text]:
    old, new = pair.old, pair.new
    return {
        "WORK": Text(escape_line(pair.name)),
        "OUTCOME": _join(_style(old), _style(new)),
        "TOKENS": _join_figures(pair, lambda tally: format_sum(tally, tally.shown.tokens)),
        "COST": _join_figures(pair, format_cost),
        "TIME": _join_figures(pair, _format_time),
    }


def _format_time(tally: Tally) -> str:
    """Format how long calls took; `-` of calls whose outcome nobody knows."""
    return "-" if tally.unanswered == tally.calls else format_milliseconds(tally.latency_ms)


def _style(work: Work | None) -> Text:
    return Text("-") if work is None else style_status(work.outcome.style, work.outcome.word)


def _join_figures(pair: WorkPair, say: Callable[[Tally], str]) -> Text:
    return _join(*(Text("-" if work is None else say(work.tally)) for work in (pair.old, pair.new)))


def _join(old: Text, new: Text) -> Text:
    """Put what both runs have beside each other, once where it is the same."""
    return old if old.plain == new.plain else Text.assemble(old, (" → ", "dim"), new)


def _render_first(first: FirstDifference | None, width: int | None) -> Iterator[Text]:
    if first is None:
        yield Text("no call differs")
        return
    for line in wrap(
        f"first difference: {escape_line(first.work.name)}: {escape_line(first.what)}", width
    ):
        yield Text(line, style="bold")
    if first.old is not None and first.new is not None:
        command = f"forge diff {name_call(first.old)} {name_call(first.new)}"
    else:
        call = first.old or first.new
        command = "" if call is None else f"forge show {name_call(call)}"
    if command:
        yield Text(f"  {as_started(command)}")
