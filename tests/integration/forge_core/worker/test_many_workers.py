"""Several workers of one cluster: a run stays on the one that began it and has its repository."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from forge_core.activities.runs import MAX_WORKERS_ASKED, RunActivities
from forge_core.models.activity import RecordRunInput, RunOwner
from forge_core.models.result import TaskResult
from forge_core.models.task import ForgeTaskInput, TaskDefinition, ValidationConfig
from forge_core.runs.client import submit_run, wait_for_result
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.temporal_client.connect import ConnectConfig, connect
from forge_core.temporal_client.inspector import RunHandle
from forge_core.worker.worker import WorkerLimits, running_worker
from forge_obs import open_reader
from support.repository import git, make_repository
from support.script import answer, write_script
from support.temporal_server import unique_queue
from support.waiting import wait_until
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

PARTS = [{"sub_task_id": name, "description": f"Write {name}."} for name in ("p", "q")]
PLAN = {
    "steps": [
        {"step_id": "first", "description": "Begin."},
        {"step_id": "second", "description": "Write both.", "sub_tasks": PARTS},
    ]
}


@pytest.fixture
async def client(temporal_address: str) -> Client:
    return await connect(ConnectConfig({"target_host": temporal_address}))


@pytest.fixture
def model(tmp_path: Path) -> str:
    return write_script(
        tmp_path / "s.json",
        {"role": "planner", "answer": PLAN},
        {"step_id": "first", "answer": answer("first.py")},
        {"sub_task_id": "p", "answer": answer("p.py")},
        {"sub_task_id": "q", "answer": answer("q.py")},
    )


@asynccontextmanager
async def running_workers(address: str, queue: str, count: int) -> AsyncIterator[None]:
    """Run workers that share a queue, each with a connection and a queue of its own."""
    async with AsyncExitStack() as stack:
        for number in range(count):
            client = await connect(ConnectConfig({"target_host": address}))
            await stack.enter_async_context(running_worker(client, queue, f"{queue}@{number}"))
        yield


async def start(client: Client, queue: str, repo: Path, model: str, task_id: str) -> RunHandle:
    task = TaskDefinition(task_id=task_id, description="Do the work.")
    work = resolve_run(task, repo, RunSettings(model, model, plan=True))
    return await submit_run(client, work, f"forge-{repo.name}-{task_id}-{queue}", queue)


async def test_worker_that_takes_over_says_at_once_that_it_executes_the_run(
    client: Client, tmp_path: Path, model: str
) -> None:
    repo, queue = make_repository(tmp_path / "repo", {"README.md": "x\n"}), unique_queue()
    begun, go = tmp_path / "begun", tmp_path / "go"
    command = f"touch {begun}; while [ ! -e {go} ]; do sleep 0.05; done"
    validation = ValidationConfig(run_tests=True, test_command=command)
    task = TaskDefinition(task_id="t", description="Do the work.", validation=validation)
    work = resolve_run(task, repo, RunSettings(model, model, plan=True))
    at_once = WorkerLimits(grace=timedelta(0))

    async with running_worker(client, queue, f"{queue}@own", limits=at_once):
        handle = await submit_run(client, work, f"forge-{queue}", queue)
        await asyncio.to_thread(wait_until, begun.exists, "the tests")
    begun.unlink()
    async with running_worker(client, queue, f"{queue}@own", limits=at_once) as runs:
        await asyncio.to_thread(wait_until, begun.exists, "the tests again")
        await asyncio.to_thread(wait_until, lambda: runs.executes(handle.id), "the run's owner")
        go.touch()
        result = await wait_for_result(handle)

    assert result.status == "success"
    assert not runs.executes(handle.id)


async def queues_of(client: Client, handle: RunHandle) -> set[str]:
    """Return where all activities of a run and its sub-tasks went, the first of all left out."""
    ids = [handle.id] + [f"{handle.id}/second/1/{name}" for name in ("p", "q")]
    scheduled = [
        event.activity_task_scheduled_event_attributes
        for workflow_id in ids
        async for event in client.get_workflow_handle(workflow_id).fetch_history_events()
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    return {
        activity.task_queue.name
        for activity in scheduled
        if activity.activity_type.name != "begin_run"
    }


async def test_all_work_of_a_run_is_done_by_the_worker_that_began_it(
    temporal_address: str, client: Client, tmp_path: Path, model: str
) -> None:
    queue = unique_queue()
    repos = [make_repository(tmp_path / name, {"README.md": "# x\n"}) for name in ("a", "b")]

    async with running_workers(temporal_address, queue, 3):
        runs = [
            await start(client, queue, repo, model, f"work{number}")
            for number in range(3)
            for repo in repos
        ]
        results = await asyncio.gather(*(wait_for_result(run) for run in runs))

    assert [result.status for result in results] == ["success"] * len(runs)
    queues = [await queues_of(client, run) for run in runs]
    assert all(len(found) == 1 for found in queues)
    assert set().union(*queues) <= {f"{queue}@{number}" for number in range(3)}
    assert git(repos[0], "branch", "--list", "--format=%(refname:short)", "forge/*").split() == [
        f"forge/work{number}" for number in range(3)
    ]


@pytest.mark.parametrize(("asked", "final"), [(1, False), (MAX_WORKERS_ASKED, True)])
async def test_worker_without_the_repository_leaves_the_run_to_others_for_a_while(
    client: Client, asked: int, final: bool
) -> None:
    runs = RunActivities(client, RunOwner(task_queue="own"))
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=asked)
    work = ForgeTaskInput(
        task=TaskDefinition(task_id="work", description="x"),
        repo_root="/nowhere/at/all",
        base_commit="0" * 40,
        model="scripted:/s.json",
        planner_model="scripted:/s.json",
    )
    begun = TaskResult(task_id="work", status="running")

    with pytest.raises(ApplicationError, match="has /nowhere/at/all with commit") as declined:
        await environment.run(
            runs.begin_run,
            RecordRunInput(work=work, workflow_id="w", run_id="r", status="running", result=begun),
        )

    assert declined.value.non_retryable is final
    assert open_reader(os.environ["FORGE_DB_PATH"]) is None


async def test_run_is_passed_on_to_a_worker_that_has_its_repository(
    temporal_address: str, client: Client, tmp_path: Path, model: str
) -> None:
    queue = unique_queue()
    hidden, shown = tmp_path / "hidden", tmp_path / "shown"
    work_tree = make_repository(hidden, {"README.md": "# x\n"})
    task = TaskDefinition(task_id="work", description="x")
    work = resolve_run(task, work_tree, RunSettings(model, model, plan=True))
    moved = work.model_copy(update={"repo_root": str(shown)})

    async with running_workers(temporal_address, queue, 1):
        handle = await submit_run(client, moved, f"forge-{queue}", queue)
        await wait_until_declined(handle)
        hidden.rename(shown)
        result = await wait_for_result(handle)

    assert result.status == "success"


async def wait_until_declined(handle: RunHandle) -> None:
    async with asyncio.timeout(30):
        while True:
            pending = (await handle.describe()).raw_description.pending_activities
            if pending and pending[0].last_failure.application_failure_info.type:
                return
            await asyncio.sleep(0.02)
