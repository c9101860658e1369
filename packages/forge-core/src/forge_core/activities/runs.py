"""Activities that put a run on record, and the sign of life of the runs of a worker."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from forge_core.errors import ServerUnavailable
from forge_core.git.repository import has_commit
from forge_core.models.activity import RecordRunInput, RunOwner
from forge_core.models.result import TaskResult
from forge_core.models.run import RunKey
from forge_core.models.task import ForgeTaskInput
from forge_core.records.run_record import reconcile_run, record_run

MAX_WORKERS_ASKED = 20
"""Times, about a second each, that a run is offered to workers until one has its repository."""

ASK_INTERVAL = timedelta(milliseconds=200)

SEEN_INTERVAL_S = 15.0
"""Seconds between two signs of life of a running run; readers doubt it after 90."""


CLOCK_INTERVAL_S = 1.0
"""Seconds between two looks at the clock, by which readers judge a sign of life."""

CLOCK_LEAP_S = 30.0
"""Seconds by which the clock has to be wrong until a sign of life is given at once."""


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
        self._running = dict[RunKey, TaskResult | None]()
        self._has_ended = asyncio.Event()

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
        await record_run(run, "running", work=work)

    def executes(self, workflow_id: str) -> bool:
        """Return whether the record says that this process executes a run."""
        return any(run.workflow_id == workflow_id for run in self._running)

    async def wait_for_end(self) -> None:
        """Return once a run has ended or stopped since the last time."""
        await self._has_ended.wait()
        self._has_ended.clear()

    async def report_alive(self) -> None:
        """Refresh the running runs' rows until cancelled."""
        while True:
            await _pause(self._seen_interval_s)
            for run in tuple(self._running):
                # It may have stopped at its budget since.
                if not await self._reconcile(run) and run in self._running:
                    await record_run(run, "running")

    async def reconcile(self) -> None:
        """Put on record which runs have been ended from outside."""
        for run in tuple(self._running):
            await self._reconcile(run)

    async def _reconcile(self, run: RunKey) -> bool:
        try:
            ended = await reconcile_run(self._client, run, self._running.get(run))
        except ServerUnavailable:
            return False
        if ended:
            self._running.pop(run, None)
            self._has_ended.set()
        return ended

    async def _record(self, work: RecordRunInput) -> None:
        run = RunKey(work.work.task.task_id, work.workflow_id, work.run_id)
        if work.status == "running":
            self._running[run] = work.result
        else:
            self._running.pop(run, None)
        await record_run(run, work.status, work.result, work.work)
        if work.status != "running":
            self._has_ended.set()


async def _pause(interval_s: float) -> None:
    """Wait for an interval, or until the clock has been put on or back, as by a sleep."""
    began, ahead_s = time.monotonic(), time.time() - time.monotonic()
    while (passed_s := time.monotonic() - began) < interval_s:
        await asyncio.sleep(min(CLOCK_INTERVAL_S, interval_s - passed_s))
        if abs(time.time() - time.monotonic() - ahead_s) > CLOCK_LEAP_S:
            return


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
