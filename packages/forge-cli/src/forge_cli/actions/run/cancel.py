"""Carrying out ``forge cancel``."""

import asyncio
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from forge_core import runs
from forge_core.errors import GitFailed
from forge_core.files.paths import WORKTREES
from forge_core.git.repository import branch_exists, branch_name, read_claim
from forge_core.runs import ForgeTaskInput, RunStopped, TaskResult
from forge_obs import StoreError

from forge_cli.actions.run.run import prepare_store
from forge_cli.exit_codes import ExitCode
from forge_cli.render.outcome import CancelledRun, build_cancelled, render_cancelled
from forge_cli.runs.execution import EventReporter
from forge_cli.runs.interruption import CANCELLING
from forge_cli.store.queries import Store
from forge_cli.store.resolver import find_run_to_change
from forge_cli.terminal.console import OutputFormat, print_text
from forge_cli.views.json_text import dump

ERROR = "error"
"""Status of a run that could not be carried out."""


def cancel_run(name: str, address: str | None, output: OutputFormat) -> ExitCode:
    """Cancel a run, wait until it has cleaned up and say what is left of it.

    Args:
        name: What the run is called by.
        address: Of a configured server; None leaves it to the environment.
        output: What is printed.

    Raises:
        UnknownWorkflow: The server knows no such run.
        AmbiguousName: Several runs are called so.
        RunEnded: It has ended.
        NotCancelled: It ended otherwise before the cancellation reached it, or not in time.
        Interrupted: The process was told to stop.
    """
    prepare_store()
    workflow_id = find_run_to_change(Store(), name)
    reporter = EventReporter(workflow_id, CANCELLING, output)
    events = runs.cancel_run(workflow_id, temporal_address=address, read_result=_read_result)
    stopped = asyncio.run(reporter.report_all(events, RunStopped))
    run = _describe_cancelled(workflow_id, stopped.work)
    if stopped.reason is not None and _read_status(workflow_id) == ERROR:
        run = replace(run, status=ERROR)
    print_text(dump(build_cancelled(run)) if output is OutputFormat.JSON else render_cancelled(run))
    return ExitCode.SUCCESS


def _describe_cancelled(workflow_id: str, work: ForgeTaskInput) -> CancelledRun:
    """Look at what a cancelled run left in its repository."""
    repo, task_id = Path(work.repo_root), work.task.task_id
    worktree = repo / WORKTREES / task_id
    branch = branch_name(task_id)
    try:
        is_its_own = read_claim(repo, task_id) == workflow_id
        has_branch = is_its_own and branch_exists(repo, branch)
    except GitFailed:  # the repository is elsewhere, or gone
        is_its_own = has_branch = False
    return CancelledRun(
        workflow_id=workflow_id,
        task_id=task_id,
        repo=work.repo_root,
        branch=branch if has_branch else None,
        worktree=str(worktree) if is_its_own and worktree.is_dir() else None,
    )


def _read_status(workflow_id: str) -> str | None:
    """Read how a run ended by the record; None where that cannot be told."""
    with suppress(StoreError):
        return Store().find_status(workflow_id)
    return None


def _read_result(workflow_id: str, task_id: str) -> TaskResult | None:
    """Read what is on record of a run's result; None where that cannot be told."""
    start = {"task_id": task_id, "status": "running"}
    with suppress(StoreError, ValueError):
        recorded = Store().find_run(workflow_id)
        result = json.loads(recorded[0].run.result_json) if recorded is not None else {}
        return TaskResult.model_validate(start | result)
    return None
