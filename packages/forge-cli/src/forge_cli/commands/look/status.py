"""``forge status``: what ran, and every call of it."""

from dataclasses import replace
from datetime import UTC, datetime

from forge_core.errors import UsageError

from forge_cli.actions.look.status import (
    RunName,
    show_run,
    show_runs,
    stream_run,
    stream_runs,
)
from forge_cli.config.files import load_user_config
from forge_cli.exit_codes import ExitCode
from forge_cli.options.look.status import CallOptions, ListOptions, OutputOptions
from forge_cli.options.names import OptionalRun, choose_run_name, require_run_name
from forge_cli.options.types import Switch, parse_since
from forge_cli.store.filters import RunFilter
from forge_cli.store.queries import Store
from forge_cli.store.resolver import find_run
from forge_cli.terminal.console import print_note
from forge_cli.terminal.pager import paged

DEFAULT_OUTPUT = OutputOptions()


def status(
    run: OptionalRun = None,
    /,
    *,
    workflow_id: OptionalRun = None,
    run_id: str | None = None,
    runs: ListOptions | None = None,
    calls: CallOptions | None = None,
    output: OutputOptions = DEFAULT_OUTPUT,
) -> ExitCode:
    """List recent runs, or show one of them.

    Reads the store of this machine (`forge db path` says where) and changes nothing there. A run
    whose process died is shown as interrupted. On a terminal lines are cut to its width, and times
    are yours; elsewhere a run of the list is one line, nothing is cut, and times are UTC. Without
    a run, `--failed` alone lists the runs that failed.

    Args:
        run: Show this run: planner, steps, sub-tasks, attempts, checks. Its workflow id or task
            id, or any beginning or end of one that fits no other run; @last is the newest.
        workflow_id: Another way to name the run.
        run_id: With a run: show this one, where another program ran a workflow id several times;
            the newest, if it is left out.
        runs: Which runs are listed.
        calls: Which calls of a run are shown.
        output: What is printed.
    """
    name, full, json = choose_run_name(run, workflow_id), output.full, output.json
    listed = runs or ListOptions()
    if name is None and calls == CallOptions(failed=True) and listed.status is None:
        runs, calls = replace(listed, status="failed"), None
    if name is None and (full or calls is not None):
        print_note("note: --full and filters of calls apply to one run: forge status RUN")
    if name is not None and _narrows(runs):
        print_note("note: --limit and filters of runs apply to the list, not to one run")
    if json + output.jsonl + output.follow > 1:
        raise UsageError("--json, --jsonl and --follow are mutually exclusive")
    if run_id is not None and (name is None or output.follow):
        raise UsageError(
            "--run-id belongs to a run, without --follow: forge status RUN --run-id ID"
        )
    store = Store()
    if name is None:
        return _list_runs(store, _build_run_filter(runs or ListOptions()), output)
    run_name = RunName(find_run(store, name), run_id)
    if output.follow and not _follow_run(store, run_name.workflow_id):
        return ExitCode.SUCCESS
    query = calls or CallOptions()
    if output.jsonl:
        return stream_run(store, run_name, query, verbose=full)
    with paged():
        return show_run(store, run_name, query, output.format, verbose=full)


def logs(
    run: OptionalRun = None,
    /,
    *,
    workflow_id: OptionalRun = None,
    run_id: str | None = None,
    calls: CallOptions | None = None,
    json: Switch = False,
    jsonl: Switch = False,
    follow: Switch = False,
) -> ExitCode:
    """Show every model call of a run in full.

    `forge status RUN --full` does the same.

    Args:
        run: Workflow id or task id of the run, or any beginning or end of one that fits no other
            run; @last is the newest.
        workflow_id: Another way to name the run.
        run_id: Which run, where another program ran a workflow id several times.
        calls: Which calls of a run are shown.
        json: Print one JSON document instead.
        jsonl: Print one JSON document per line instead: the run, and then each of its calls.
        follow: Show the run until it ends or you press Ctrl-C, and then its calls.
    """
    name = require_run_name("logs", run, workflow_id)
    output = OutputOptions(full=True, json=json, jsonl=jsonl, follow=follow)
    return status(name, run_id=run_id, calls=calls, output=output)


def _follow_run(store: Store, workflow_id: str) -> bool:
    from forge_cli.actions.look.follow import follow_run  # noqa: PLC0415 - imports the live view

    return follow_run(store, workflow_id)


def _list_runs(store: Store, query: RunFilter, output: OutputOptions) -> ExitCode:
    if output.follow:
        from forge_cli.actions.look.follow import follow_runs  # noqa: PLC0415 - imports the live view

        return follow_runs(store, query)
    if output.jsonl:
        return stream_runs(store, query)
    with paged():
        return show_runs(store, query, output.format)


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
