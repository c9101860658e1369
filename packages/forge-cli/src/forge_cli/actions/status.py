"""Carrying out ``forge status``: one run, or a document a line in constant memory."""

from pathlib import Path

from forge_obs import get_db_path

from forge_cli.exit_codes import ExitCode
from forge_cli.render.interactions import render_interactions
from forge_cli.render.json_documents import build_call, build_cost, build_run, build_status, dump
from forge_cli.render.run_tree import render_run
from forge_cli.store.prices import extend_prices
from forge_cli.store.queries import (
    CallFilter,
    RunFilter,
    iterate_calls,
    iterate_recent_runs,
    read_run,
    require_run,
)
from forge_cli.terminal.console import print_text
from forge_cli.views.costs import NO_PRICES
from forge_cli.views.json_text import load_or_keep


def show_run(workflow_id: str, chosen: CallFilter, *, verbose: bool, as_json: bool) -> ExitCode:
    """Show a run, and with `verbose` the texts of the calls that are wanted.

    Raises:
        UnknownWorkflow: There is no such run; the message names similar ones.
        StoreError: The store cannot be read.
    """
    view, interactions, prices = read_run(get_db_path(), workflow_id, texts=verbose)
    wanted = [call for call in interactions if chosen.wants(call)]
    if as_json:
        document = build_status(view, wanted, prices, verbose=verbose)
        cost = build_cost(view.totals, view.price_data)
        print_text(dump({**document, "cost": cost}))
        return ExitCode.SUCCESS
    print_text(render_run(view, interactions, prices, details=verbose))
    if verbose:
        print_text("")
        print_text(render_interactions(wanted, prices) or "no such calls on record")
    return ExitCode.SUCCESS


def stream_runs(path: Path, chosen: RunFilter) -> None:
    """Print a document of each run, newest first.

    Raises:
        StoreError: The store cannot be read.
    """
    for view in iterate_recent_runs(path, chosen):
        if not print_text(dump({"run": build_run(view)})):
            return


def stream_run(path: Path | None, workflow_id: str, chosen: CallFilter, *, verbose: bool) -> None:
    """Print a document of a run, then one of each of its calls that are wanted.

    Raises:
        UnknownWorkflow: There is no such run; the message names similar ones.
        StoreError: The store cannot be read.
    """
    view = require_run(path, workflow_id)
    result = load_or_keep(view.run.result_json)
    if path is None or not print_text(dump({"run": build_run(view), "result": result})):
        return
    prices = NO_PRICES
    for call in iterate_calls(path, workflow_id, texts=verbose):
        if not chosen.wants(call):
            continue
        prices = extend_prices(prices, call)
        document = {"interaction": build_call(call, prices, verbose=verbose)}
        if not print_text(dump(document)):
            return
