"""The row of a run in the store, and the end that is put there when the run could not."""

import asyncio
from typing import Any

from forge_obs import record
from temporalio.client import Client

from forge_core.models.result import RunStatus, TaskResult
from forge_core.models.run import RunKey
from forge_core.models.task import ForgeTaskInput
from forge_core.records.answer_journal import open_journal
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
        fields = {"repo_root": work.repo_root, "model_name": work.model, "planned": work.plan}
    await asyncio.to_thread(
        lambda: record(
            "run",
            task_id=run.task_id,
            workflow_id=run.workflow_id,
            run_id=run.run_id,
            status=status,
            result=result,
            **fields,
        )
    )
    if status != "running":
        await asyncio.to_thread(open_journal().forget, run.workflow_id)


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
