"""Whether a worker takes runs from a queue is found out within seconds."""

from datetime import UTC, datetime, timedelta

import pytest
from forge_core.errors import ServerUnavailable
from forge_core.runs.client import ensure_taken
from forge_core.temporal_client.connect import ConnectConfig, connect
from forge_core.temporal_client.inspector import LONG_POLL, RunInspector
from forge_core.worker.worker import running_worker
from support.temporal_server import unique_queue
from support.waiting import until
from temporalio.client import Client, WorkflowExecutionStatus


@pytest.fixture
async def client(temporal_address: str) -> Client:
    return await connect(ConnectConfig({"target_host": temporal_address}))


async def test_queue_that_was_never_polled_has_no_workers(client: Client) -> None:
    assert not await RunInspector(client).has_workers(unique_queue())


async def test_worker_counts_until_it_has_not_polled_for_long(client: Client) -> None:
    queue = unique_queue()
    async with running_worker(client, queue):
        await until(lambda: RunInspector(client).has_workers(queue), "the worker")
    now = datetime.now(UTC)

    assert await RunInspector(client).has_workers(queue, now)
    assert not await RunInspector(client).has_workers(queue, now + LONG_POLL + timedelta(seconds=1))


async def test_run_is_withdrawn_where_the_only_worker_stopped_a_moment_ago(client: Client) -> None:
    queue = unique_queue()
    async with running_worker(client, queue):
        await until(lambda: RunInspector(client).has_workers(queue), "the worker")
    handle = await client.start_workflow("ForgeTaskWorkflow", id=queue, task_queue=queue)

    with pytest.raises(ServerUnavailable, match=r"no worker took the run .* `forge worker`"):
        await ensure_taken(client, handle, timeout_s=0.5)

    assert (await handle.describe()).status == WorkflowExecutionStatus.TERMINATED


async def test_run_that_a_worker_takes_is_left_alone(client: Client) -> None:
    queue = unique_queue()
    async with running_worker(client, queue):
        handle = await client.start_workflow("ForgeTaskWorkflow", id=queue, task_queue=queue)
        await ensure_taken(client, handle)

    assert (await handle.describe()).status != WorkflowExecutionStatus.TERMINATED
