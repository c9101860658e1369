"""A running run gives signs of life until it has ended."""

import asyncio
import os
from contextlib import suppress
from datetime import datetime

from forge_core.activities.runs import RunActivities
from forge_core.models.activity import RecordRunInput
from forge_core.models.result import RunStatus, TaskResult
from forge_core.models.task import ForgeTaskInput, TaskDefinition
from forge_obs import Run, get_run, open_reader
from support.waiting import wait_until
from temporalio.testing import ActivityEnvironment

WORK = ForgeTaskInput(
    task=TaskDefinition(task_id="t", description="x"),
    repo_root="/repo",
    base_commit="0" * 40,
    model="scripted:/s.json",
    planner_model="scripted:/s.json",
)


def describe(status: RunStatus) -> RecordRunInput:
    result = TaskResult(task_id="t", status="running" if status == "running" else "success")
    return RecordRunInput(work=WORK, workflow_id="w", run_id="r", status=status, result=result)


def read_run() -> Run:
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    run = get_run(engine, "w")
    assert run is not None
    return run


def seen_at() -> datetime:
    moment = read_run().seen_at
    assert moment is not None
    return moment


async def test_running_run_is_seen_again_and_again_until_it_ends() -> None:
    runs = RunActivities("queue", seen_interval_s=0.02)
    environment = ActivityEnvironment()
    owner = await environment.run(runs.begin_run, describe("running"))
    begun = seen_at()
    alive = asyncio.create_task(runs.report_alive())

    await asyncio.to_thread(wait_until, lambda: seen_at() > begun, "a sign of life")
    await environment.run(runs.record_run, describe("success"))

    ended = read_run()
    alive.cancel()
    with suppress(asyncio.CancelledError):
        await alive
    assert owner.task_queue == "queue"
    assert (ended.status, ended.owner_pid, ended.planned) == ("success", os.getpid(), False)
    assert ended.finished_at is not None
