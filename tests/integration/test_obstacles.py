"""A run that cannot get on is found out, whoever waits for it."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from forge_core.errors import InfrastructureError
from forge_core.models.task import ForgeTaskInput, TaskDefinition
from forge_core.submission import RunSettings, resolve_run
from forge_core.temporal.connect import connect, embedded_config
from forge_core.temporal.executions import release
from forge_core.temporal.obstacles import find_obstacle, watch
from forge_core.temporal.runs import RunHandle, start_run
from forge_core.temporal.server import get_state_dir
from forge_core.temporal.state import StateFiles
from forge_core.temporal.worker import build_runner, running_worker
from support.changed_workflows import PausingTaskWorkflow
from support.llm_server import LLMServer, tool
from support.repository import make_repository
from support.script import answer
from support.temporal_server import unique_queue
from temporalio.client import Client
from temporalio.worker import Worker

LONG = "A long description. " * 2_000
MODEL = "openai-chat:writer-1"


@pytest.fixture
async def client(temporal_address: str) -> Client:
    return await connect(embedded_config(temporal_address, get_state_dir()))


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> LLMServer:
    """A model that answers once its gate is open."""
    gate = threading.Event()
    server = LLMServer(lambda _: replace(tool(answer()), gate=gate))
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def work(tmp_path: Path, model: LLMServer) -> ForgeTaskInput:
    assert model.url
    repo = make_repository(tmp_path / "repo", {"README.md": "# x\n"})
    task = TaskDefinition(task_id="work", description=LONG)
    return resolve_run(task, repo, RunSettings(MODEL, MODEL))


async def interrupt(
    client: Client, queue: str, work: ForgeTaskInput, model: LLMServer
) -> RunHandle:
    """Begin a run and lose its worker while the model is asked."""
    with model:
        async with running_worker(client, queue, grace=timedelta(0)):
            handle = await start_run(client, work, f"forge-{queue}", queue)
            await asyncio.to_thread(model.wait_for_requests, 1)
    await release(client, handle.id)
    return handle


async def test_run_whose_payloads_are_lost_is_said_to_be_stuck(
    client: Client, work: ForgeTaskInput, model: LLMServer
) -> None:
    queue = unique_queue()
    handle = await interrupt(client, queue, work, model)
    files = list(StateFiles(get_state_dir()).payloads.rglob("*.zst"))
    assert files
    for file in files:
        file.unlink()

    async with running_worker(client, queue):
        with pytest.raises(InfrastructureError, match=r"payload .*zst is missing") as stuck:
            await watch(client, handle.id)

    assert str(stuck.value).startswith(f"run {handle.id} cannot go on: ")
    await handle.terminate()


async def test_run_whose_key_is_lost_is_said_to_be_stuck(
    temporal_address: str, client: Client, work: ForgeTaskInput, model: LLMServer
) -> None:
    queue = unique_queue()
    handle = await interrupt(client, queue, work, model)
    StateFiles(get_state_dir()).payload_key.unlink()
    successor = await connect(embedded_config(temporal_address, get_state_dir()))

    async with running_worker(successor, queue):
        with pytest.raises(InfrastructureError, match="this state directory's key"):
            await watch(successor, handle.id)

    await handle.terminate()


async def test_run_of_another_version_is_said_to_be_stuck(
    client: Client, work: ForgeTaskInput, model: LLMServer
) -> None:
    queue = unique_queue()
    handle = await interrupt(client, queue, work, model)

    successor = Worker(
        client, task_queue=queue, workflows=[PausingTaskWorkflow], workflow_runner=build_runner()
    )
    async with successor:
        await handle.signal("wake up")
        with pytest.raises(InfrastructureError, match="another version of forge"):
            await watch(client, handle.id)

    await handle.terminate()


async def test_run_that_waits_for_its_model_has_no_obstacle(
    client: Client, work: ForgeTaskInput, model: LLMServer
) -> None:
    queue = unique_queue()
    with model:
        async with running_worker(client, queue):
            handle = await start_run(client, work, f"forge-{queue}", queue)
            await asyncio.to_thread(model.wait_for_requests, 1)

            assert await find_obstacle(client, handle.id) is None

            await handle.terminate()


async def test_run_that_is_not_there_has_no_obstacle(client: Client) -> None:
    assert await find_obstacle(client, "forge-nothing") is None
