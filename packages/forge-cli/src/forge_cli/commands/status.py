"""``forge status``: what ran, and every call of it."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from forge_obs.process import get_db_path
from forge_obs.recorder import lost_count

from forge_cli.console import print_note, print_text, print_warning
from forge_cli.exit_codes import ExitCode
from forge_cli.render.documents import build_run_list, build_status, dump
from forge_cli.render.interactions import render_interactions
from forge_cli.render.runs import render_run, render_run_list
from forge_cli.store import STORE_OFF, read_recent_runs, read_run

PENDING = 0
"""Entries that wait to be written; none can yet."""

MOST_RUNS = 1_000_000


def status(
    *,
    workflow_id: str | None = None,
    verbose: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    limit: Annotated[int, Parameter(validator=Number(gte=1, lte=MOST_RUNS))] = 20,
) -> ExitCode:
    """List recent runs, or show one of them.

    Reads the store of this machine (`forge db path` says where) and changes nothing there. A
    run that stopped without an end is shown as interrupted.

    Args:
        workflow_id: Show this run: planner, steps, sub-tasks, attempts, checks.
        verbose: With --workflow-id: show every model call in full, prompts and answer included.
        json: Print one JSON document instead.
        limit: How many runs to list, newest first.
    """
    if workflow_id is not None:
        return _show_run(workflow_id, verbose=verbose, as_json=json)
    if verbose:
        print_note("note: --verbose shows the calls of one run: give its --workflow-id")
    _list_runs(limit, as_json=json)
    return ExitCode.SUCCESS


def _list_runs(limit: int, *, as_json: bool) -> None:
    path = get_db_path()
    views = read_recent_runs(path, limit) if path is not None else []
    if as_json:
        if path is None:
            print_note(STORE_OFF)
        print_text(dump(build_run_list(views, pending=PENDING, lost=lost_count())))
    elif path is None:
        print_text(STORE_OFF)
    elif not views:
        print_text("no runs recorded yet")
    else:
        print_text(render_run_list(views))
    if lost_count():
        print_warning(f"{lost_count()} records could not be stored")


def _show_run(workflow_id: str, *, verbose: bool, as_json: bool) -> ExitCode:
    view, interactions = read_run(get_db_path(), workflow_id, texts=verbose)
    if as_json:
        print_text(dump(build_status(view, interactions, verbose=verbose)))
        return ExitCode.SUCCESS
    print_text(render_run(view))
    if verbose:
        print_text("")
        print_text(render_interactions(interactions) or "no calls on record")
    return ExitCode.SUCCESS
