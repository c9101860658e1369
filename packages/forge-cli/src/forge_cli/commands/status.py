"""``forge status``: what ran, and every call of it."""

from datetime import UTC, datetime

from forge_core.errors import UsageError

from forge_cli.actions.status import (
    RunName,
    follow_run,
    follow_runs,
    show_run,
    show_runs,
    stream_run,
    stream_runs,
)
from forge_cli.config.files import load_user_config
from forge_cli.exit_codes import ExitCode
from forge_cli.options.status import CallOptions, ListOptions
from forge_cli.options.types import Switch, parse_since
from forge_cli.store.filters import RunFilter
from forge_cli.store.queries import Store
from forge_cli.terminal.console import OutputFormat, print_note
from forge_cli.terminal.pager import paged


def status(
    *,
    workflow_id: str | None = None,
    run_id: str | None = None,
    verbose: Switch = False,
    json: Switch = False,
    jsonl: Switch = False,
    follow: Switch = False,
    runs: ListOptions | None = None,
    calls: CallOptions | None = None,
) -> ExitCode:
    """List recent runs, or show one of them.

    Reads the store of this machine (`forge db path` says where) and changes nothing there. A run
    whose process died is shown as interrupted.

    Args:
        workflow_id: Show this run: planner, steps, sub-tasks, attempts, checks.
        run_id: With --workflow-id: show this one, where another program ran a workflow id several
            times; the newest, if it is left out.
        verbose: With --workflow-id: show every model call in full, prompts and answer included.
        json: Print one JSON document instead.
        jsonl: Print one JSON document per line instead: each run, or one run and then each of its
            calls.
        follow: Keep the list, or the run, up to date until it ends or you press Ctrl-C.
        runs: Which runs are listed.
        calls: Which calls of a run are shown.
    """
    if workflow_id is None and (verbose or calls is not None):
        print_note("note: --verbose and filters of calls apply to one run: give its --workflow-id")
    elif calls is not None and not (verbose or json or jsonl):
        print_note("note: filters of calls apply to what --verbose, --json and --jsonl show")
    if workflow_id is not None and _narrows(runs):
        print_note("note: --limit and filters of runs apply to the list, not to --workflow-id")
    if json + jsonl + follow > 1:
        raise UsageError("--json, --jsonl and --follow are mutually exclusive")
    if run_id is not None and (workflow_id is None or follow):
        raise UsageError("--run-id belongs to --workflow-id, without --follow")
    store, output = Store(), OutputFormat.choose(json=json, jsonl=jsonl)
    if workflow_id is None:
        run_query = _build_run_filter(runs or ListOptions())
        if follow:
            return follow_runs(store, run_query)
        if output is OutputFormat.JSONL:
            return stream_runs(store, run_query)
        with paged():
            return show_runs(store, run_query, output)
    if follow and not follow_run(store, workflow_id):
        return ExitCode.SUCCESS
    query = calls or CallOptions()
    if output is OutputFormat.JSONL:
        return stream_run(store, RunName(workflow_id, run_id), query, verbose=verbose)
    with paged():
        return show_run(store, RunName(workflow_id, run_id), query, output, verbose=verbose)


def _narrows(runs: ListOptions | None) -> bool:
    """Return whether runs were chosen on the command line, not only by the user's own file."""
    if runs is None:
        return False
    config = load_user_config()
    limit = None if config is None else config.values.get("status.limit")
    return runs != ListOptions() and (limit is None or runs != ListOptions(limit=limit))


def _build_run_filter(options: ListOptions) -> RunFilter:
    since = parse_since(options.since, datetime.now(UTC)) if options.since is not None else None
    return RunFilter(options.limit, options.task, options.status, options.model, since)
