"""Activities that put a run on record, and the sign of life of the runs of a worker."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from forge_obs import record
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from forge_core.git.repository import has_commit
from forge_core.models.activity import RecordRunInput, RunOwner
from forge_core.models.result import RunStatus, TaskResult
from forge_core.models.task import ForgeTaskInput
from forge_core.records.answer_journal import open_journal
from forge_core.temporal_client.executions import (
    GIVEN_UP,
    describe,
    find_outside_ending,
    is_given_up,
)

MAX_WORKERS_ASKED = 20
"""Times, about a second each, that a run is offered to workers until one has its repository."""

ASK_INTERVAL = timedelta(milliseconds=200)

SEEN_INTERVAL_S = 15.0
"""Seconds between two signs of life of a running run; readers doubt it after 90."""


@dataclass(frozen=True, slots=True)
class RunKey:
    """A run as the record knows it."""

    task_id: str
    workflow_id: str
    run_id: str


class RunActivities:
    """Records the runs of one worker and keeps saying that they are alive, while they are.

    Args:
        client: A connection to ask whether a run has been ended from outside.
        owner: The queue that only this worker polls, and whether it has whole runs.
        seen_interval_s: Seconds between two signs of life.
    """

    def __init__(
        self, client: Client, owner: RunOwner, seen_interval_s: float = SEEN_INTERVAL_S
    ) -> None:
        self._client = client
        self._owner = owner
        self._seen_interval_s = seen_interval_s
        self._running: dict[RunKey, TaskResult | None] = {}

    @activity.defn
    async def begin_run(self, work: RecordRunInput) -> RunOwner:
        """Record that a run began, and make this worker the owner of it.

        Raises:
            ApplicationError: The run's repository is not on this machine; another worker may try.
        """
        if not self._owner.sole:
            await asyncio.to_thread(_require_repository, work.work)
        await self._record(work)
        return self._owner

    @activity.defn
    async def record_run(self, work: RecordRunInput) -> None:
        """Record how a run stands."""
        await self._record(work)

    async def adopt(self, run: RunKey, work: ForgeTaskInput) -> None:
        """Record that this process executes a run from now on; what it has done so far stays."""
        self._running.setdefault(run, None)
        await _record(run, "running", **_describe(work))

    def executes(self, workflow_id: str) -> bool:
        """Tell whether the record says that this process executes a run."""
        return any(run.workflow_id == workflow_id for run in self._running)

    async def report_alive(self) -> None:
        """Refresh the running runs' rows until cancelled."""
        while True:
            await asyncio.sleep(self._seen_interval_s)
            for run in tuple(self._running):
                if not await self._settle(run):
                    await _record(run, "running")

    async def settle(self) -> None:
        """Put on record which runs have been ended from outside."""
        for run in tuple(self._running):
            await self._settle(run)

    async def _settle(self, run: RunKey) -> bool:
        try:
            ended = await settle_run(self._client, run, self._running.get(run))
        except RPCError:
            return False
        if ended:
            self._running.pop(run, None)
        return ended

    async def _record(self, work: RecordRunInput) -> None:
        run = RunKey(work.work.task.task_id, work.workflow_id, work.run_id)
        running = work.status == "running"
        if running:
            self._running[run] = work.result
        else:
            self._running.pop(run, None)
        await _record(run, work.status, result=work.result, **_describe(work.work))
        if not running:
            await asyncio.to_thread(open_journal().forget, work.workflow_id)


def _require_repository(work: ForgeTaskInput) -> None:
    if has_commit(Path(work.repo_root), work.base_commit):
        return
    raise ApplicationError(
        f"no worker that was asked has {work.repo_root} with commit {work.base_commit[:12]}: "
        "start `forge worker` on the machine that has it",
        type="RepositoryElsewhere",
        non_retryable=activity.info().attempt >= MAX_WORKERS_ASKED,
        next_retry_delay=ASK_INTERVAL,
    )


async def settle_run(client: Client, run: RunKey, known: TaskResult | None = None) -> bool:
    """Tell whether a run has ended; where that was from outside, put it on record.

    Args:
        client: A connection.
        run: The run.
        known: What is known of its result, to which its end is added.

    Raises:
        RPCError: The server does not answer.
    """
    found = await describe(client, run.workflow_id, run.run_id)
    ending = find_outside_ending(found)
    if ending is None:
        return found is not None and found.status != WorkflowExecutionStatus.RUNNING
    given_up = found is not None and await is_given_up(client, found)
    changes = (
        {"status": "cancelled", "error": GIVEN_UP}
        if given_up
        else {"status": "failure_terminal", "error": ending}
    )
    status: RunStatus = "cancelled" if given_up else "error"
    await record_end(run, status, known and known.model_copy(update=changes))
    return True


async def record_end(run: RunKey, status: RunStatus, result: TaskResult | None) -> None:
    """Put the end of a run on record; one that is on record stays as it is."""
    await _record(run, status, result=result)
    await asyncio.to_thread(open_journal().forget, run.workflow_id)


def _describe(work: ForgeTaskInput) -> dict[str, Any]:
    return {"repo_root": work.repo_root, "model_name": work.model, "planned": work.plan}


async def _record(run: RunKey, status: RunStatus, **fields: Any) -> None:  # noqa: ANN401
    await asyncio.to_thread(
        lambda: record(
            "run",
            task_id=run.task_id,
            workflow_id=run.workflow_id,
            run_id=run.run_id,
            status=status,
            **fields,
        )
    )
