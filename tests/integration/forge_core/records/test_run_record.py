"""A running run gives signs of life until it has ended."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

import pytest
from forge_core.activities.runs import RunActivities
from forge_core.models.activity import RecordRunInput, RunOwner
from forge_core.models.result import RunStatus, TaskResult
from forge_core.models.run import RunKey
from forge_core.models.task import ForgeTaskInput, TaskDefinition
from forge_obs import Run, get_run, open_reader
from support.temporal_server import unique_queue
from support.waiting import wait_until
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import ActivityEnvironment

AnyHandle = WorkflowHandle[Any, Any]
OWNER = RunOwner(task_queue="queue", sole=True)

WORK = ForgeTaskInput(
    task=TaskDefinition(task_id="t", description="x"),
    repo_root="/repo",
    base_commit="0" * 40,
    model="scripted:/s.json",
    planner_model="scripted:/s.json",
)


@pytest.fixture
async def client(temporal_address: str) -> Client:
    return await Client.connect(temporal_address)


@pytest.fixture
async def handle(client: Client) -> AnyHandle:
    """A run that is under way and that nobody executes."""
    return await client.start_workflow("Any", id=unique_queue(), task_queue="nobody")


def describe(handle: AnyHandle, status: RunStatus) -> RecordRunInput:
    result = TaskResult(task_id="t", status="running" if status == "running" else "success")
    run_id = handle.first_execution_run_id or ""
    return RecordRunInput(
        work=WORK, workflow_id=handle.id, run_id=run_id, status=status, result=result
    )


def read_run(handle: AnyHandle) -> Run:
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    run = get_run(engine, handle.id)
    assert run is not None
    return run


def seen_at(handle: AnyHandle) -> datetime:
    moment = read_run(handle).seen_at
    assert moment is not None
    return moment


@asynccontextmanager
async def reporting(runs: RunActivities) -> AsyncIterator[None]:
    alive = asyncio.create_task(runs.report_alive())
    yield
    alive.cancel()
    with suppress(asyncio.CancelledError):
        await alive


async def test_running_run_is_seen_again_and_again_until_it_ends(
    client: Client, handle: AnyHandle
) -> None:
    runs = RunActivities(client, OWNER, seen_interval_s=0.02)
    environment = ActivityEnvironment()
    owner = await environment.run(runs.begin_run, describe(handle, "running"))
    begun = seen_at(handle)

    async with reporting(runs):
        await asyncio.to_thread(wait_until, lambda: seen_at(handle) > begun, "a sign of life")
        await environment.run(runs.record_run, describe(handle, "success"))
        ended = read_run(handle)

    assert owner.task_queue == "queue"
    assert (ended.status, ended.owner_pid, ended.planned) == ("success", os.getpid(), False)
    assert ended.finished_at is not None


async def test_run_that_is_terminated_in_temporal_is_on_record_as_ended(
    client: Client, handle: AnyHandle
) -> None:
    runs = RunActivities(client, OWNER, seen_interval_s=0.02)
    await ActivityEnvironment().run(runs.begin_run, describe(handle, "running"))

    async with reporting(runs):
        await handle.terminate("by hand")
        await asyncio.to_thread(
            wait_until, lambda: read_run(handle).status == "error", "the end on record"
        )

    assert "terminated in Temporal" in read_run(handle).result_json


async def test_end_of_a_run_is_told_to_who_waits_for_it(client: Client, handle: AnyHandle) -> None:
    runs, environment = RunActivities(client, OWNER), ActivityEnvironment()
    await environment.run(runs.begin_run, describe(handle, "running"))
    waiting = asyncio.create_task(runs.wait_for_end())
    await asyncio.sleep(0)
    told_before = waiting.done()

    await environment.run(runs.record_run, describe(handle, "success"))

    assert not told_before
    await asyncio.wait_for(waiting, 10)


async def test_adopted_run_keeps_what_it_has_done_and_changes_its_owner(
    client: Client, handle: AnyHandle
) -> None:
    await ActivityEnvironment().run(
        RunActivities(client, OWNER).begin_run, describe(handle, "running")
    )
    before = read_run(handle)
    successor = RunActivities(client, OWNER)
    await successor.adopt(RunKey("t", handle.id, handle.first_execution_run_id or ""), WORK)

    after = read_run(handle)
    assert after.result_json == before.result_json
    assert after.seen_at != before.seen_at
    assert (after.status, after.owner_pid) == ("running", os.getpid())


async def test_settling_leaves_a_run_that_is_under_way_as_it_is(
    client: Client, handle: AnyHandle
) -> None:
    runs = RunActivities(client, OWNER)
    await runs.adopt(RunKey("t", handle.id, handle.first_execution_run_id or ""), WORK)
    before = read_run(handle)
    await runs.reconcile()

    assert read_run(handle).status == "running"
    assert read_run(handle).seen_at == before.seen_at
