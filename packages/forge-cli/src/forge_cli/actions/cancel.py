"""Carrying out ``forge cancel``."""

import asyncio
import json
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path

from forge_core.errors import (
    GitFailed,
    RunCancelled,
    RunOwned,
    RunRepeated,
    RunStuck,
    TaskIdTaken,
)
from forge_core.files.paths import WORKTREES
from forge_core.git.repository import branch_exists, branch_name, read_claim
from forge_core.models.result import TaskResult
from forge_core.models.task import ForgeTaskInput
from forge_core.runs.client import reconcile_ended
from forge_core.runs.ownership import owned_run
from forge_core.runs.stuck import wait_unless_stuck
from forge_core.temporal_client.executions import give_up, release
from forge_core.temporal_client.inspector import FoundRun, translating_unavailability
from forge_obs import StoreError

from forge_cli.actions.run import prepare_store
from forge_cli.errors import NotCancelled
from forge_cli.exit_codes import ExitCode
from forge_cli.render.outcome import CancelledRun, build_cancelled, render_cancelled
from forge_cli.runs.connection import Embedded, Place, connected, executing
from forge_cli.runs.execution import find_open_run
from forge_cli.store.queries import Store
from forge_cli.terminal.console import OutputFormat, print_failure, print_note, print_text
from forge_cli.terminal.signals import explaining
from forge_cli.views.json_text import dump

HELD_BACK = timedelta(minutes=5)
"""Delay of the activities of a dead worker, so that none begins anew before it is cancelled."""

END_TIMEOUT_S = 60.0
"""Seconds within which a cancelled run has cleaned up."""


def cancel_run(workflow_id: str, address: str | None, output: OutputFormat) -> ExitCode:
    """Cancel a run, wait until it has cleaned up and say what is left of it.

    Raises:
        UnknownWorkflow: The server knows no such run.
        RunEnded: It has ended.
        NotCancelled: It ended otherwise before the cancellation reached it, or not in time.
        Interrupted: The process was told to stop.
    """
    prepare_store()
    work = asyncio.run(_cancel(workflow_id, address, output))
    run = describe_cancelled(workflow_id, work)
    print_text(dump(build_cancelled(run)) if output is OutputFormat.JSON else render_cancelled(run))
    return ExitCode.SUCCESS


def describe_cancelled(workflow_id: str, work: ForgeTaskInput) -> CancelledRun:
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


async def _cancel(workflow_id: str, address: str | None, output: OutputFormat) -> ForgeTaskInput:
    remark = f"run {workflow_id} may still be stopping: forge status --workflow-id {workflow_id}"
    with explaining(lambda: remark, lambda text: print_failure(output, "Interrupted", text)):
        async with connected(address, f"cancel {workflow_id}") as place:
            found = await find_open_run(place, workflow_id)
            await _end(place, found)
            return found.work


async def _end(place: Place, found: FoundRun) -> None:
    """Cancel the run and wait until it has ended, executing it here if nobody does."""
    with ExitStack() as stack:
        if place.embedded is None or not _take(place.embedded, found, stack):
            await _request(found)
            await _wait(place, found)
            return
        # First: the server would keep the request for the dead worker, which has it cached.
        with translating_unavailability("does not let go of the run"):
            await release(place.client, found.handle.id, HELD_BACK)
        await _request(found)
        try:
            async with executing(place.client, place.embedded, found):
                await _wait(place, found)
        except RunRepeated:
            await _end_in_temporal(place, found)


async def _request(found: FoundRun) -> None:
    with translating_unavailability("does not cancel the run"):
        await found.handle.cancel()
    print_note(f"cancelling run {found.handle.id}: waiting until it has cleaned up")


def _take(embedded: Embedded, found: FoundRun, stack: ExitStack) -> bool:
    """Own the run until the stack ends, unless a living process does."""
    try:
        stack.enter_context(owned_run(embedded.files, found.handle.id))
    except RunOwned:
        return False
    return True


async def _wait(place: Place, found: FoundRun) -> None:
    """Wait until the run has ended; one that cannot get on is ended in Temporal."""
    run = f"run {found.handle.id}"
    try:
        async with asyncio.timeout(END_TIMEOUT_S):
            result = await wait_unless_stuck(place.client, found.handle, print_note)
    except RunCancelled:
        return
    except TaskIdTaken as lost:  # an activity that had waited to be tried again was quicker
        print_note(f"{lost}: it has ended")
        return
    except RunStuck as stuck:
        print_note(f"{stuck}: it is ended in Temporal")
        await _end_in_temporal(place, found)
        await reconcile_ended(place.client, found, _read_result(found))
        return
    except TimeoutError:
        raise NotCancelled(
            f"{run} was told to stop and has not stopped within {END_TIMEOUT_S:.0f} s: "
            f"forge status --workflow-id {found.handle.id}"
        ) from None
    raise NotCancelled(f"{run} had ended before it could be cancelled: {result.status}")


async def _end_in_temporal(place: Place, found: FoundRun) -> None:
    with translating_unavailability("does not end the run"):
        await give_up(place.client, found.handle.id)


def _read_result(found: FoundRun) -> TaskResult | None:
    """Read what is on record of a run's result; None where that cannot be told."""
    start = {"task_id": found.work.task.task_id, "status": "running"}
    with suppress(StoreError, ValueError):
        recorded = Store().find_run(found.handle.id)
        known = json.loads(recorded[0].run.result_json) if recorded is not None else {}
        return TaskResult.model_validate(start | known)
    return None
