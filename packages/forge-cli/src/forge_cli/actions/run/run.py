"""Carrying out ``forge run`` and ``forge resume``: prepare, execute, report."""

import asyncio
import secrets
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from forge_core import runs
from forge_core.errors import ModelNotConfigured
from forge_core.git.lfs import list_pointers
from forge_core.git.repository import find_ignored, has_file, is_dirty, list_files
from forge_core.git.submodules import list_absent
from forge_core.runs import (
    ForgeTaskInput,
    RunDetached,
    RunSettings,
    TaskResult,
    make_workflow_id,
    resolve_run,
    start_detached_run,
    start_run,
)
from forge_core.runs.ownership import find_owner
from forge_core.state_dir.files import StateFiles
from forge_core.state_dir.locate import get_state_dir
from forge_core.tracing.setup import init_tracing, shutdown_tracing
from forge_obs import Interaction, StoreError, flush, get_db_path, lost_count, redact_text, upgrade
from pydantic import ValidationError
from rich.text import Text

from forge_cli.actions.house.archive import archive_after_run
from forge_cli.config.call_settings import resolve_settings
from forge_cli.config.files import find_repository_file, load_user_config
from forge_cli.errors import OutputFailed
from forge_cli.escape import escape_line
from forge_cli.exit_codes import ExitCode
from forge_cli.options.run.call_settings import PLANNER, CallOptions
from forge_cli.options.run.run import LimitOptions, ModelOptions, OutputOptions, RunOptions
from forge_cli.program import as_started
from forge_cli.render.calls.listing import render_interactions
from forge_cli.render.figures import format_count
from forge_cli.render.health import render_pending
from forge_cli.render.json_documents import build_interactions
from forge_cli.render.outcome import Ending, render_outcome
from forge_cli.runs.execution import LOOK_INTERVAL_S, EventReporter, RunEnd
from forge_cli.runs.interruption import DETACHED, NOT_RESUMED, NOT_STARTED, Aftermath
from forge_cli.runs.near_files import describe_new_target
from forge_cli.runs.progress import build_progress, read_run
from forge_cli.runs.task import (
    build_limits,
    build_task,
    calibrate,
    measure_chars_per_token,
    names_factor,
)
from forge_cli.store.prices import load_prices
from forge_cli.store.queries import STORE_OFF, Store
from forge_cli.store.resolver import find_run_to_change
from forge_cli.terminal.console import (
    OutputFormat,
    print_note,
    print_text,
    print_warning,
)
from forge_cli.views.costs import tally_calls
from forge_cli.views.json_text import dump
from forge_cli.views.result import build_result_view
from forge_cli.views.run import RunView

Print = Callable[[str], object]

LISTED_TIMEOUT_S = 10.0
"""Seconds that a run's record is waited for; where it cannot be written, the run goes on."""

LISTED_INTERVAL_S = 0.05

LISTED_POINTERS = 3
"""Files of git lfs that a warning names."""


def run_task(
    options: RunOptions,
    on_start: Print | None = None,
    render: Callable[[Ending], Text] = render_outcome,
) -> ExitCode:
    """Run a task from its options to its report.

    Args:
        options: What was asked for.
        on_start: Told the workflow id before the run starts.
        render: Renders how it ended.
    """
    output, store = options.output, Store()
    task = build_task(options, suffix=secrets.token_hex(2))
    settings = _settings(options.models, options.calls)
    if not names_factor(task):
        factor = measure_chars_per_token(settings.planner_model, store)
        settings = replace(settings, planner_chars_per_token=factor)
    work = resolve_run(calibrate(task, settings.model, store), options.task.repo, settings)
    _tell_new_targets(Path(work.repo_root), work.base_commit, task.target_files)
    if is_dirty(options.task.repo):
        print_warning("the checkout has uncommitted changes, which the run does not see")
    if own := _list_ignored_targets(Path(work.repo_root), task.target_files):
        names = ", ".join(map(escape_line, own))
        print_warning(f"git ignores {names}: the run does not see it, and a merge overwrites it")
    if task.validation.runs_commands:
        _warn_of_absent(Path(work.repo_root), work.base_commit)
    if skipped := task.validation.skipped_checks:
        print_warning(
            f"not run, since the repository names them itself: {', '.join(skipped)}; give "
            "--run-checks, or add the repository to trust.repositories in your own configuration"
        )
    workflow_id = make_workflow_id(task.task_id)
    prepare_store()
    if output.no_wait:
        return _start_detached(store, work, workflow_id, output)
    if on_start is not None:
        on_start(workflow_id)
    address = output.temporal_address
    events = start_run(work, workflow_id, temporal_address=address, interval_s=LOOK_INTERVAL_S)
    reporter = _build_reporter(store, workflow_id, NOT_STARTED, "started", output)
    return _report(store, workflow_id, execute(reporter.report_run(events)), output, render)


def _tell_new_targets(repo: Path, commit: str, targets: Sequence[str]) -> None:
    """Say which target files do not exist yet, for one may be misspelt."""
    new = [path for path in targets if not has_file(repo, commit, path)]
    files = set(list_files(repo, commit)) if new else set[str]()
    for path in new:
        print_note(f"note: {escape_line(describe_new_target(path, files))}")


def _warn_of_absent(repo: Path, commit: str) -> None:
    """Name what tests may need and will not find in the worktree."""
    if absent := list_absent(repo, commit):
        names = ", ".join(map(escape_line, absent))
        print_warning(f"tests run without submodules that the checkout does not have: {names}")
    if pointers := list_pointers(repo, LISTED_POINTERS + 1):
        names = ", ".join(map(escape_line, pointers[:LISTED_POINTERS]))
        more = " and others" if len(pointers) > LISTED_POINTERS else ""
        print_warning(
            f"tests find pointers of git lfs instead of {names}{more}: run `git lfs pull` first"
        )


def resume_run(name: str, budget: LimitOptions, output: OutputOptions) -> ExitCode:
    """Go on with a run that is interrupted or has stopped at its budget, to its report.

    Args:
        name: What the run is called by.
        budget: New limits.
        output: What is printed.
    """
    store, address, limits = Store(), output.temporal_address, build_limits(budget)
    prepare_store()
    workflow_id = find_run_to_change(store, name)
    events = runs.resume_run(
        workflow_id, limits=limits, temporal_address=address, interval_s=LOOK_INTERVAL_S
    )
    verb = "started" if _is_new(store, workflow_id) else "resumed"
    reporter = _build_reporter(store, workflow_id, NOT_RESUMED, verb, output)
    return _report(store, workflow_id, execute(reporter.report_run(events)), output)


def _is_new(store: Store, workflow_id: str) -> bool:
    """Return whether nobody has begun with a run yet, as with one that does not wait."""
    try:
        return store.path is not None and store.find_status(workflow_id) is None
    except StoreError:
        return False


def _build_reporter(
    store: Store, workflow_id: str, aftermath: Aftermath, verb: str, output: OutputOptions
) -> EventReporter:
    """Build what reports the events of a run, on stderr where stdout is for a document."""
    tell: Print = print_note if output.json else print_text
    stream = sys.stderr if output.json else sys.stdout
    progress = build_progress(store, workflow_id, stream, tell)
    return EventReporter(workflow_id, aftermath, output.format, progress, verb)


def _report(
    store: Store,
    workflow_id: str,
    end: RunEnd,
    output: OutputOptions,
    render: Callable[[Ending], Text] = render_outcome,
) -> ExitCode:
    """Report how a run ended, or why it has stopped."""
    result = _complete(store, workflow_id, end.result)
    if output.json:
        _report_json(store, workflow_id, result, verbose=output.full)
    else:
        run = read_run(store, workflow_id)
        if output.full and (calls := _read_calls(store, workflow_id)):
            print_text(render_interactions(calls, load_prices(calls)))
        print_text(render(_describe_end(workflow_id, result, run)))
    _warn_of_gaps(store)
    archive_after_run()
    return ExitCode.SUCCESS if result.status == "success" else ExitCode.FAILED


def _complete(store: Store, workflow_id: str, result: TaskResult) -> TaskResult:
    """Return the result of a stopped run, from the record where no worker was there to tell."""
    if result.status != "budget" or result.worktree_path is not None:
        return result
    with suppress(StoreError, ValidationError):
        run = store.find_run(workflow_id)
        recorded = None if run is None else TaskResult.model_validate_json(run[0].run.result_json)
        if recorded is not None and recorded.budget_stop == result.budget_stop:
            return recorded
    return result


def _warn_of_gaps(store: Store) -> None:
    """Say what of the run's record is not in the store."""
    with suppress(StoreError):
        waiting = store.get_backlog().pending
        if waiting:
            print_warning(render_pending(waiting))
    if lost_count():
        print_warning(f"{format_count(lost_count(), 'record')} of this run could not be stored")


def prepare_store() -> None:
    """Bring the store to this version's schema; a command goes on without, after a warning."""
    path = get_db_path()
    if path is None:
        return
    try:
        upgrade(path)
    except StoreError as error:
        print_warning(f"continuing without a record: {error}")


def _settings(models: ModelOptions, calls: CallOptions) -> RunSettings:
    if not models.model:
        raise ModelNotConfigured(
            "no model is configured: give --model or set FORGE_MODEL, for example "
            "anthropic:claude-sonnet-5 with ANTHROPIC_API_KEY set, or ollama:NAME for a local "
            "server; `forge demo` needs none"
        )
    planner_model = models.planner_model or models.model
    given, of_planner = calls.list_given(), calls.list_given(PLANNER)
    if planner_model == models.model:
        of_planner = given | of_planner
    config = load_user_config()
    tables = () if config is None else config.calls
    return RunSettings(
        model=models.model,
        planner_model=planner_model,
        settings=resolve_settings(tables, models.model, "llm", given),
        planner_settings=resolve_settings(tables, planner_model, "planner", of_planner),
        plan=models.plan,
        max_attempts=models.max_attempts,
        max_step_attempts=models.max_step_attempts,
        max_sub_task_attempts=models.max_sub_task_attempts,
    )


def _start_detached(
    store: Store, work: ForgeTaskInput, workflow_id: str, output: OutputOptions
) -> ExitCode:
    command = [sys.executable, "-P", "-m", "forge_cli", "resume"]
    address = output.temporal_address
    events = start_detached_run(work, workflow_id, command, temporal_address=address)
    reporter = EventReporter(workflow_id, NOT_STARTED, output.format)
    log = asyncio.run(reporter.report_all(events, RunDetached)).log
    if log is not None and store.path is not None:
        _wait_until_listed(store, workflow_id)
    try:
        return _report_detached(work, workflow_id, log, output.format)
    except OutputFailed as error:
        raise OutputFailed(f"{error}; {DETACHED.describe(workflow_id)}") from error


def _wait_until_listed(store: Store, workflow_id: str) -> None:
    """Wait until a run is on record, so that who asks for it next is not told of none."""
    files, deadline = StateFiles(get_state_dir()), time.monotonic() + LISTED_TIMEOUT_S
    with suppress(StoreError):
        while store.find_status(workflow_id) is None and time.monotonic() < deadline:
            if find_owner(files, workflow_id) is None:
                return
            time.sleep(LISTED_INTERVAL_S)


def _report_detached(
    work: ForgeTaskInput, workflow_id: str, log: Path | None, output: OutputFormat
) -> ExitCode:
    if output is OutputFormat.JSON:
        document = {
            "workflow_id": workflow_id,
            "task_id": work.task.task_id,
            "status": "running",
            "log": None if log is None else str(log),
        }
        print_text(dump(document))
        return ExitCode.SUCCESS
    look = as_started(f"forge status {workflow_id}")
    print_text(f"run {workflow_id}: submitted\n  look    {look}")
    if log is not None:
        cancel = as_started(f"forge cancel {workflow_id}")
        print_text(f"  log     {escape_line(str(log))}\n  cancel  {cancel}")
    return ExitCode.SUCCESS


def execute(run: Coroutine[Any, Any, RunEnd]) -> RunEnd:
    """Execute a run, traced if that is asked for, and have its record written."""
    init_tracing(redact=redact_text)
    try:
        return asyncio.run(run)
    finally:
        shutdown_tracing()
        flush()


def _describe_end(
    workflow_id: str, result: TaskResult, run: tuple[RunView, list[Interaction]] | None
) -> Ending:
    """Put together what the result says and what is on record, if anything is."""
    view = build_result_view(result.model_dump(mode="json"))
    recorded, calls = run or (None, [])
    prices = load_prices(calls)
    took = recorded.duration if recorded is not None else None
    if took is None and result.elapsed_s:
        took = timedelta(seconds=result.elapsed_s)
    reason = view.find_reason() if result.status == "failure_terminal" else view.error or ""
    top = find_repository_file(Path.cwd())
    return Ending(
        workflow_id,
        result.status,
        view,
        reason=(recorded and recorded.run.reason) or reason,
        took=took,
        tally=tally_calls(calls, prices),
        prices=prices,
        is_recorded=recorded is not None,
        is_here=top is not None and str(top.parent) == view.repository,
    )


def _list_ignored_targets(repo: Path, paths: Sequence[str]) -> Sequence[str]:
    """List the named files that stand in the checkout alone, because git ignores them."""
    return find_ignored(repo, [path for path in paths if (repo / path).is_file()])


def _report_json(store: Store, workflow_id: str, result: TaskResult, *, verbose: bool) -> None:
    document: dict[str, Any] = {
        "workflow_id": workflow_id,
        "task_id": result.task_id,
        "status": result.status,
        "branch": result.worktree_branch,
        "result": result.model_dump(mode="json"),
    }
    if verbose:
        calls = _read_calls(store, workflow_id)
        document["interactions"] = build_interactions(calls, load_prices(calls), verbose=True)
    print_text(dump(document))


def _read_calls(store: Store, workflow_id: str) -> list[Interaction]:
    """Read a run's calls; where there are none, a warning says why."""
    try:
        calls = store.list_calls(workflow_id)
    except StoreError as error:
        print_warning(f"cannot show prompts: {error}")
        return []
    if not calls:
        print_warning(f"cannot show prompts: {_explain_missing_calls(store.path)}")
    return calls


def _explain_missing_calls(path: Path | None) -> str:
    if path is None:
        return STORE_OFF
    return (
        f"no call of this run is in {path}: calls are recorded where the worker runs, "
        "and not at all if its store cannot be written"
    )
