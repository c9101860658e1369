"""A run that cannot go on is found out, whoever waits for it."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from forge_core.errors import InfrastructureError
from forge_core.models.task import ForgeTaskInput, TaskDefinition
from forge_core.runs.client import submit_run, wait_unless_stuck, watch
from forge_core.runs.events import RunEvent
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.runs.state import ask_pending
from forge_core.state_dir.files import StateFiles
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config, load_connect_config
from forge_core.temporal_client.executions import release
from forge_core.temporal_client.inspector import RunHandle, RunInspector
from forge_core.temporal_client.pending_activities import RunLook
from forge_core.worker.worker import WorkerLimits, running_worker
from support.changed_workflows import PausingTaskWorkflow
from support.llm_server import LLMServer, tool
from support.repository import make_repository
from support.sandbox import build_sandbox
from support.script import answer
from support.temporal_server import unique_queue
from temporalio.client import Client
from temporalio.worker import Worker

LONG = "A long description. " * 2_000
MODEL = "openai-chat:writer-1"
AT_ONCE = WorkerLimits(grace=timedelta(0))


def ignore(_event: RunEvent) -> None:
    """Nobody is told."""


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[LLMServer]:
    """A model that never answers."""
    gate = threading.Event()
    with LLMServer(lambda _: replace(tool(answer()), gate=gate)) as server:
        server.configure(monkeypatch)
        yield server


@pytest.fixture
def work(tmp_path: Path, model: LLMServer) -> ForgeTaskInput:
    assert model.url
    repo = make_repository(tmp_path / "repo", {"README.md": "# x\n"})
    task = TaskDefinition(task_id="work", description=LONG)
    return resolve_run(task, repo, RunSettings(MODEL, MODEL))


async def connect_both(address: str, store: Path) -> tuple[Client, Client]:
    """Connect once with a payload store and once without."""
    configs = [
        load_connect_config(address, {"FORGE_PAYLOAD_STORE": found}) for found in (str(store), "")
    ]
    with_store, without = [await connect(config) for config in configs if config is not None]
    return with_store, without


async def interrupt(
    client: Client, queue: str, work: ForgeTaskInput, model: LLMServer
) -> RunHandle:
    """Begin a run and lose its worker while the model is asked."""
    async with running_worker(client, queue, limits=AT_ONCE):
        handle = await submit_run(client, work, f"forge-{queue}", queue)
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
            await watch(client, handle.id, ignore)

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
            await watch(successor, handle.id, ignore)

    await handle.terminate()


async def test_run_of_another_version_is_said_to_be_stuck(
    client: Client, work: ForgeTaskInput, model: LLMServer
) -> None:
    queue = unique_queue()
    handle = await interrupt(client, queue, work, model)

    successor = Worker(
        client, task_queue=queue, workflows=[PausingTaskWorkflow], workflow_runner=build_sandbox()
    )
    async with successor:
        await handle.signal("wake up")
        with pytest.raises(InfrastructureError, match="another version of forge"):
            await watch(client, handle.id, ignore)

    await handle.terminate()


async def test_store_that_only_the_command_has_is_named(
    temporal_address: str, work: ForgeTaskInput, tmp_path: Path
) -> None:
    queue = unique_queue()
    mine, workers = await connect_both(temporal_address, tmp_path)
    handle = await submit_run(mine, work, f"forge-{queue}", queue)

    async with running_worker(workers, queue):
        with pytest.raises(InfrastructureError, match="its worker lacks the payload store"):
            await wait_unless_stuck(mine, handle, ignore)

    await handle.terminate()


async def test_store_that_only_the_worker_has_is_named(
    temporal_address: str, work: ForgeTaskInput, model: LLMServer, tmp_path: Path
) -> None:
    queue = unique_queue()
    workers, mine = await connect_both(temporal_address, tmp_path)
    files = [{"file_path": f"data/{number}.txt", "content": "x\n"} for number in range(500)]
    model.handler = lambda _: tool({"files": files})

    handle = await submit_run(mine, work, f"forge-{queue}", queue)
    async with running_worker(workers, queue):
        with pytest.raises(InfrastructureError, match="set FORGE_PAYLOAD_STORE"):
            await wait_unless_stuck(mine, handle, ignore)


async def test_run_that_waits_for_its_model_is_not_blocked(
    client: Client, work: ForgeTaskInput, model: LLMServer, temporal_address: str, tmp_path: Path
) -> None:
    queue = unique_queue()
    async with running_worker(client, queue, limits=AT_ONCE):
        handle = await submit_run(client, work, f"forge-{queue}", queue)
        await asyncio.to_thread(model.wait_for_requests, 1)

        look = await RunInspector(client).look(handle.id)
        environ = {"TEMPORAL_ADDRESS": temporal_address}
        asked = await asyncio.to_thread(ask_pending, handle.id, environ, tmp_path / "none")

    assert look.cause is None
    assert asked == look.pending
    assert [(pending.name, pending.attempt) for pending in look.pending] == [("call_llm", 1)]
    await handle.terminate()


async def test_run_that_is_not_there_waits_for_nothing(client: Client) -> None:
    assert await RunInspector(client).look("forge-nothing") == RunLook()
