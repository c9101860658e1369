"""The row of a run in the store, and the end that is put there when the run could not."""

import asyncio
from typing import Any

from forge_obs import record
from temporalio.client import Client

from forge_core.models.result import OPEN_STATUSES, RunStatus, TaskResult
from forge_core.models.run import RunKey
from forge_core.models.task import ForgeTaskInput
from forge_core.records.answer_journal import open_journal
from forge_core.records.outcomes import describe_check, shorten_reason
from forge_core.temporal_client.inspector import RunInspector


async def record_run(
    run: RunKey,
    status: RunStatus,
    result: TaskResult | None = None,
    work: ForgeTaskInput | None = None,
) -> None:
    """Put on record how a run stands; an end that is on record stays as it is.

    The answers that were kept for a run go when it ends.

    Args:
        run: The run.
        status: How it stands.
        result: What it has made so far; None leaves what is on record.
        work: What it was started with; None leaves what is on record.
    """
    fields: dict[str, Any] = {}
    if work is not None:
        fields = {
            "repo_root": work.repo_root,
            "model_name": work.model,
            "planned": work.plan,
            "description": work.task.description,
            "base_commit": work.base_commit,
            "request": work,
        }
    await asyncio.to_thread(
        lambda: record(
            "run",
            task_id=run.task_id,
            workflow_id=run.workflow_id,
            run_id=run.run_id,
            status=status,
            result=result,
            branch=None if result is None else result.worktree_branch,
            reason=None if result is None else find_reason(status, result),
            **fields,
        )
    )
    if status not in OPEN_STATUSES:
        await asyncio.to_thread(open_journal().forget, run.workflow_id)


def find_reason(status: RunStatus, result: TaskResult) -> str | None:
    """Return why a run ended as it did, in one line; None for a success, and for what goes on.

    That is why a check could not be made, else the first thing that one found, else the first line
    of the error.
    """
    if status in NO_REASON:
        return None
    failed = [check for check in result.validation_results if not check.passed]
    if not failed or status != "failure_terminal":
        return shorten_reason(result.error or "") or None
    step = result.step_results[-1].step_id if result.step_results else None
    reason = describe_check(next((check for check in failed if check.unusable), failed[0]))
    return shorten_reason(reason if step is None else f"step {step}: {reason}")


NO_REASON = frozenset({"running", "budget", "success"})
"""Statuses that need none."""


async def reconcile_run(client: Client, run: RunKey, result: TaskResult | None = None) -> bool:
    """Return whether a run has ended; where that was from outside, put it on record.

    Args:
        client: A connection.
        run: The run.
        result: What is known of its result, to which its end is added.

    Raises:
        ServerUnavailable: The server does not answer.
    """
    end = await RunInspector(client).find_end(run)
    if end is not None and end.status is not None:
        unit_status = "cancelled" if end.status == "cancelled" else "failure_terminal"
        changes = {"status": unit_status, "error": end.reason}
        await record_run(run, end.status, result and result.model_copy(update=changes))
    return end is not None
