"""Carrying out ``forge stats``: add up calls, and print the sums."""

from dataclasses import replace

from forge_core.errors import UsageError
from rich.text import Text

from forge_cli.actions.look.calls import build_query, note_nothing, read_period
from forge_cli.exit_codes import ExitCode
from forge_cli.options.look.calls import CallFilterOptions
from forge_cli.options.look.stats import StatsOptions
from forge_cli.render.across_runs.statistics import (
    render_damaged,
    render_groups,
    render_overview,
)
from forge_cli.render.across_runs.statistics_documents import build_statistics
from forge_cli.render.runs.run_list import shorten_model
from forge_cli.store.prices import load_schedule
from forge_cli.store.queries import Store
from forge_cli.store.statistics import DAY, ERROR, StatisticsQuery, add_up
from forge_cli.terminal.console import (
    OutputFormat,
    get_width,
    print_note,
    print_text,
    print_warning,
)
from forge_cli.views.json_text import dump
from forge_cli.views.statistics import Figures, Statistics, merge_groups


def show_statistics(
    which: CallFilterOptions, added: StatsOptions, output: OutputFormat
) -> ExitCode:
    """Print sums over the calls that are meant.

    Raises:
        UsageError: A moment cannot be read, or nobody knows the prices of a model.
        UnknownWorkflow: There is no such run.
        StoreError: The store cannot be read.
    """
    store = Store()
    read_period(which)  # a mistake is one in an empty store, too
    schedule = None if added.as_model is None else load_schedule(added.as_model)
    if added.as_model is not None and schedule is None:
        raise UsageError(f"genai-prices does not know the prices of {added.as_model!r}")
    reader = store.reader
    if reader is None:
        print_note(store.explain_emptiness())
        statistics = Statistics([], Figures())
    else:
        calls = build_query(store, reader, which)
        # What failed is listed in the overview, too.
        query = StatisticsQuery(calls, added.by or ERROR, schedule)
        statistics = add_up(reader, query)
    if output is OutputFormat.JSON:
        print_text(dump(build_statistics(statistics, added.by, added.as_model)))
    elif statistics.total.tally.calls:
        print_text(_render(statistics, added))
    elif reader is not None:
        note_nothing(store, which)
    if statistics.damaged:
        print_warning(render_damaged(statistics.damaged))
    return ExitCode.SUCCESS if statistics.total.tally.calls else ExitCode.FAILED


def _render(statistics: Statistics, added: StatsOptions) -> Text:
    width = get_width()
    if added.by is None:
        return render_overview(statistics, added.as_model, width)
    if added.by == "model":
        merged = merge_groups(statistics.groups, shorten_model)
        statistics = replace(statistics, groups=merged)
    groups = statistics.groups
    shown = groups[-added.limit :] if added.by == DAY else groups[: added.limit]
    return render_groups(statistics, shown, added.by, added.as_model, width=width)
