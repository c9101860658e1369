"""``forge status``: what ran, and every call of it."""

from datetime import UTC, datetime

from forge_core.errors import UsageError
from forge_obs import Backlog, get_backlog, get_db_path

from forge_cli.config.files import load_user_config
from forge_cli.exit_codes import ExitCode
from forge_cli.options.status import CallOptions, ListOptions
from forge_cli.options.types import Switch, parse_since
from forge_cli.render.health import render_backlog
from forge_cli.render.runs import render_run_list
from forge_cli.store.queries import NOTHING_YET, STORE_OFF, CallFilter, RunFilter, read_recent_runs
from forge_cli.terminal.console import get_width, print_note, print_text, print_warning
from forge_cli.terminal.pager import paged


def status(
    *,
    workflow_id: str | None = None,
    verbose: Switch = False,
    json: Switch = False,
    jsonl: Switch = False,
    follow: Switch = False,
    runs: ListOptions | None = None,
    calls: CallOptions | None = None,
) -> ExitCode:
    """List recent runs, or show one of them.

    Reads the store of this machine (`forge db path` says where) and changes nothing there. A
    run that stopped without an end is shown as interrupted.

    Args:
        workflow_id: Show this run: planner, steps, sub-tasks, attempts, checks.
        verbose: With --workflow-id: show every model call in full, prompts and answer included.
        json: Print one JSON document instead.
        jsonl: Print one JSON document a line instead, as they are read: of each run, or of the run
            and then of each call.
        follow: Keep the list, or the run, up to date until it ends or you do.
        runs: Which runs are listed.
        calls: Which calls of a run are shown.
    """
    if workflow_id is None and (verbose or calls is not None):
        print_note("note: --verbose and a choice of calls need a run: give its --workflow-id")
    if workflow_id is not None and _narrows(runs):
        print_note("note: --limit and a choice of runs are for the list, not for --workflow-id")
    if json + jsonl + follow > 1:
        raise UsageError("--json, --jsonl and --follow exclude each other")
    if follow and workflow_id is None:
        return _follow_list(runs or ListOptions())
    if follow and workflow_id is not None and not _follow_run(workflow_id):
        return ExitCode.SUCCESS
    if jsonl:
        return _stream(workflow_id, runs, calls, verbose=verbose)
    with paged():
        if workflow_id is not None:
            from forge_cli.actions.status import show_run  # noqa: PLC0415 - a list does without

            chosen = _choose_calls(calls or CallOptions())
            return show_run(workflow_id, chosen, verbose=verbose, as_json=json)
        _list_runs(_choose_runs(runs or ListOptions()), as_json=json)
    return ExitCode.SUCCESS


def _narrows(runs: ListOptions | None) -> bool:
    """Tell whether runs were chosen on the command line, not only by the user's own file."""
    if runs is None:
        return False
    config = load_user_config()
    limit = None if config is None else config.values.get("status.limit")
    return runs != ListOptions() and (limit is None or runs != ListOptions(limit=limit))


def _stream(
    workflow_id: str | None,
    runs: ListOptions | None,
    calls: CallOptions | None,
    *,
    verbose: bool,
) -> ExitCode:
    from forge_cli.actions.status import stream_run, stream_runs  # noqa: PLC0415 - seldom used

    path = get_db_path()
    if workflow_id is not None:
        stream_run(path, workflow_id, _choose_calls(calls or CallOptions()), verbose=verbose)
    elif path is not None:
        stream_runs(path, _choose_runs(runs or ListOptions()))
    else:
        print_note(STORE_OFF)
    return ExitCode.SUCCESS


def _follow_run(workflow_id: str) -> bool:
    from forge_cli.actions.status_follow import follow_run  # noqa: PLC0415 - seldom used

    return follow_run(get_db_path(), workflow_id)


def _follow_list(runs: ListOptions) -> ExitCode:
    from forge_cli.actions.status_follow import follow_runs  # noqa: PLC0415 - seldom used

    path = get_db_path()
    if path is None:
        raise UsageError(f"nothing can be followed: {STORE_OFF}")
    return follow_runs(path, _choose_runs(runs))


def _choose_runs(options: ListOptions) -> RunFilter:
    since = parse_since(options.since, datetime.now(UTC)) if options.since is not None else None
    return RunFilter(options.limit, options.task, options.status, options.model, since)


def _choose_calls(options: CallOptions) -> CallFilter:
    return CallFilter(
        step_id=options.step,
        sub_task_id=options.sub_task,
        attempt=options.attempt,
        role=options.role,
        failed=options.failed,
    )


def _list_runs(chosen: RunFilter, *, as_json: bool) -> None:
    path = get_db_path()
    views = read_recent_runs(path, chosen) if path is not None else []
    backlog = get_backlog(path) if path is not None else Backlog()
    if as_json:
        from forge_cli.render.json_documents import build_run_list, dump  # noqa: PLC0415

        if path is None:
            print_note(STORE_OFF)
        print_text(dump(build_run_list(views, pending=backlog.pending, lost=backlog.lost)))
    elif path is None:
        print_text(STORE_OFF)
    elif not views:
        print_text("no such runs recorded" if chosen.narrows else NOTHING_YET)
    else:
        print_text(render_run_list(views, width=get_width()))
    for line in render_backlog(backlog):
        print_warning(line)
