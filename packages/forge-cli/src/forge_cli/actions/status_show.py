"""Carrying out ``forge status`` for one run."""

from forge_obs.environment.process import get_db_path

from forge_cli.exit_codes import ExitCode
from forge_cli.render.interactions import render_interactions
from forge_cli.render.json_documents import build_cost, build_status, dump
from forge_cli.render.run_tree import render_run
from forge_cli.store.queries import CallFilter, read_run
from forge_cli.terminal.console import print_text


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
