"""Carrying out ``forge status``: the list of runs, one run, or a document a line."""

from dataclasses import dataclass

from forge_cli.actions.look.units import require_units
from forge_cli.escape import escape_line
from forge_cli.exit_codes import ExitCode
from forge_cli.options.look.status import CallOptions
from forge_cli.program import as_started
from forge_cli.render.health import render_backlog
from forge_cli.render.runs.layout import Layout
from forge_cli.render.runs.run_list import render_run_list
from forge_cli.store.filters import RunFilter
from forge_cli.store.prices import extend_prices
from forge_cli.store.queries import STORE_OFF, Store
from forge_cli.terminal.console import (
    OutputFormat,
    get_width,
    get_zone,
    print_note,
    print_text,
    print_warning,
)
from forge_cli.views.costs import NO_PRICES
from forge_cli.views.json_text import dump, load_or_keep
from forge_cli.views.outline import build_outline


def show_runs(store: Store, query: RunFilter, output: OutputFormat) -> ExitCode:
    """Show the runs that are asked for, newest first, and what of the record is missing.

    Raises:
        StoreError: The store cannot be read.
    """
    views, backlog, is_off = store.list_runs(query), store.get_backlog(), store.path is None
    others = 0 if output is OutputFormat.JSON else store.count_other_calls(query)
    if output is OutputFormat.JSON:
        from forge_cli.render.json_documents import build_run_list  # noqa: PLC0415

        if is_off:
            print_note(STORE_OFF)
        print_text(dump(build_run_list(views, pending=backlog.pending, lost=backlog.lost)))
    elif is_off:
        print_text(STORE_OFF)
    elif not views and others and not query.narrows:
        print_text("no runs recorded yet")
    elif not views:
        nothing = as_started(store.explain_emptiness())
        print_text("no matching runs on record" if query.narrows else nothing)
    else:
        print_text(render_run_list(views, Layout(get_width())))
        if len(views) == query.limit == RunFilter().limit:
            print_note(f"these are the newest {len(views):,}: --limit shows more")
    if others:
        plural = "calls belong" if others > 1 else "call belongs"
        print_text(f"{others:,} {plural} to no run; `forge calls` lists them, too")
    for line in render_backlog(backlog):
        print_warning(line)
    return ExitCode.SUCCESS


@dataclass(frozen=True, slots=True)
class RunName:
    """Which run is asked for."""

    workflow_id: str
    run_id: str | None = None
    """The newest of the workflow, if None."""


def show_run(
    store: Store, name: RunName, options: CallOptions, output: OutputFormat, *, verbose: bool
) -> ExitCode:
    """Show a run, and with `verbose` the texts of the calls that are asked for.

    Raises:
        UnknownWorkflow: There is no such run; the message names similar ones.
        UnknownUnit: It has no such step or sub-task; the message names those that it has.
        StoreError: The store cannot be read.
    """
    query = options.query
    view, calls, prices = store.get_run(name.workflow_id, name.run_id, texts=verbose)
    if name.run_id is None and (others := store.list_other_runs(view.run)):
        print_note(
            f"note: this is the newest of {len(others) + 1} runs of this workflow id; "
            f"--run-id {escape_line(others[-1])} shows another"
        )
    outline = build_outline(view.result, calls, running=view.status == "running")
    require_units(query, outline)
    accepted = query.narrow(outline).calls
    if output is OutputFormat.JSON:
        from forge_cli.render.json_documents import build_cost, build_status  # noqa: PLC0415

        document = build_status(view, accepted, prices, verbose=verbose)
        cost = build_cost(view.totals, view.price_data)
        print_text(dump({**document, "cost": cost}))
        return ExitCode.SUCCESS
    from forge_cli.render.runs.run_tree import render_run  # noqa: PLC0415 - a list does without

    layout = Layout(get_width(), get_zone(), details=verbose)
    print_text(render_run(view, calls, prices, layout, query))
    if verbose:
        from forge_cli.render.calls.listing import render_interactions  # noqa: PLC0415 - with texts

        print_text("")
        print_text(render_interactions(accepted, prices) or "no matching calls on record")
    return ExitCode.SUCCESS


def stream_runs(store: Store, query: RunFilter) -> ExitCode:
    """Print a document of each run, newest first, in constant memory.

    Raises:
        StoreError: The store cannot be read.
    """
    from forge_cli.render.json_documents import build_run  # noqa: PLC0415 - seldom used

    if store.path is None:
        print_note(STORE_OFF)
    for view in store.iterate_runs(query):
        if not print_text(dump({"run": build_run(view)})):
            break
    return ExitCode.SUCCESS


def stream_run(store: Store, name: RunName, options: CallOptions, *, verbose: bool) -> ExitCode:
    """Print a document of a run, then one of each call that is asked for, in constant memory.

    Raises:
        UnknownWorkflow: There is no such run; the message names similar ones.
        UnknownUnit: Its plan has no such step or sub-task.
        StoreError: The store cannot be read.
    """
    from forge_cli.render.json_documents import build_call, build_run  # noqa: PLC0415 - seldom used

    query = options.query
    view = store.get_run_view(name.workflow_id, name.run_id)
    if view.result.plan:
        require_units(query, build_outline(view.result, (), running=False))
    result = load_or_keep(view.run.result_json)
    if not print_text(dump({"run": build_run(view), "result": result})):
        return ExitCode.SUCCESS
    prices = NO_PRICES
    for call in filter(query.accepts, store.iterate_calls(view.run, texts=verbose)):
        prices = extend_prices(prices, call)
        document = {"interaction": build_call(call, prices, verbose=verbose)}
        if not print_text(dump(document)):
            break
    return ExitCode.SUCCESS
