"""Activities that put a run on record, and the sign of life of the runs of a worker."""

import asyncio
from dataclasses import dataclass

from forge_obs import record
from temporalio import activity

from forge_core.activities.journal import open_journal
from forge_core.models.activity import RecordRunInput, RunOwner

SEEN_INTERVAL_S = 15.0
"""Seconds between two signs of life of a running run; readers doubt it after 90."""


@dataclass(frozen=True, slots=True)
class _Run:
    task_id: str
    workflow_id: str
    run_id: str


class RunActivities:
    """Records the runs of one worker and keeps saying that they are alive."""

    def __init__(self, task_queue: str, seen_interval_s: float = SEEN_INTERVAL_S) -> None:
        self._task_queue = task_queue
        self._seen_interval_s = seen_interval_s
        self._running: set[_Run] = set()

    @activity.defn
    async def begin_run(self, work: RecordRunInput) -> RunOwner:
        """Record that a run began, and make this worker the owner of it."""
        await self._record(work)
        return RunOwner(task_queue=self._task_queue)

    @activity.defn
    async def record_run(self, work: RecordRunInput) -> None:
        """Record how a run stands."""
        await self._record(work)

    async def report_alive(self) -> None:
        """Refresh the running runs' rows until cancelled."""
        while True:
            await asyncio.sleep(self._seen_interval_s)
            for run in tuple(self._running):
                await asyncio.to_thread(_record_alive, run)

    async def _record(self, work: RecordRunInput) -> None:
        run = _Run(work.work.task.task_id, work.workflow_id, work.run_id)
        if work.status == "running":
            self._running.add(run)
        else:
            self._running.discard(run)
        await asyncio.to_thread(_record_run, work)
        if work.status != "running":
            await asyncio.to_thread(open_journal().forget, work.workflow_id)


def _record_run(work: RecordRunInput) -> None:
    record(
        "run",
        task_id=work.work.task.task_id,
        workflow_id=work.workflow_id,
        run_id=work.run_id,
        status=work.status,
        result=work.result,
        repo_root=work.work.repo_root,
        model_name=work.work.model,
        planned=work.work.plan,
    )


def _record_alive(run: _Run) -> None:
    record(
        "run",
        task_id=run.task_id,
        workflow_id=run.workflow_id,
        run_id=run.run_id,
        status="running",
    )
