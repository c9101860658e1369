"""Heartbeats of activities on a real worker and server."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from forge_core.worker.interceptors.heartbeat import HEARTBEAT_THROTTLE, HeartbeatInterceptor
from support.temporal_server import running_server, unique_queue
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

INTERVAL = timedelta(milliseconds=200)
DEADLINE_S = 10.0


@workflow.defn
class CallOneActivity:
    @workflow.run
    async def run(self, name: str, heartbeat_timeout_s: float) -> Any:
        return await workflow.execute_activity(
            name,
            start_to_close_timeout=timedelta(seconds=30),
            heartbeat_timeout=timedelta(seconds=heartbeat_timeout_s),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )


class Activities:
    """Activities that know nothing of heartbeats, and what became of them."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.cancelled = threading.Event()
        self.details: list[tuple[Any, ...]] = []

    @activity.defn
    async def wait_in_loop(self) -> int:
        self.started.set()
        await asyncio.sleep(2)
        return activity.info().attempt

    @activity.defn
    def wait_in_thread(self) -> int:
        self.started.set()
        threading.Event().wait(2)
        return activity.info().attempt

    @activity.defn
    async def work_in_loop(self) -> None:
        self.started.set()
        try:
            await asyncio.sleep(DEADLINE_S)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    @activity.defn
    def work_in_thread(self) -> None:
        self.started.set()
        try:
            deadline = time.monotonic() + DEADLINE_S
            while time.monotonic() < deadline:
                threading.Event().wait(0.05)
        except CancelledError:
            self.cancelled.set()
            raise

    @activity.defn
    async def count_failures(self) -> list[Any]:
        """Count its failures in the heartbeat, as a model call does; the fourth attempt works."""
        details = activity.info().heartbeat_details
        self.details.append(tuple(details))
        await self._live_through_beats()
        if activity.info().attempt == 4:
            return list(details)
        activity.heartbeat((details[0] if details else 0) + 1)
        raise ApplicationError("the provider is overloaded")

    @activity.defn
    async def fail_without_counting(self) -> list[Any]:
        """Count in the first attempt only; the second is lost to something else."""
        attempt = activity.info().attempt
        self.details.append(tuple(activity.info().heartbeat_details))
        if attempt == 1:
            activity.heartbeat("counted")
        await self._live_through_beats()
        if attempt < 3:
            raise ApplicationError("lost")
        return list(activity.info().heartbeat_details)

    @staticmethod
    async def _live_through_beats() -> None:
        await asyncio.sleep(2.5 * INTERVAL.total_seconds())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_server(tmp_path_factory.mktemp("temporal")) as address:
        yield address


@asynccontextmanager
async def worker_of(
    server: str, activities: Activities
) -> AsyncIterator[Callable[[str, float], Any]]:
    """Run a worker and give the function that starts the workflow around one activity."""
    client = await Client.connect(server)
    queue = unique_queue()

    async def start(name: str, timeout_s: float) -> WorkflowHandle[CallOneActivity, Any]:
        return await client.start_workflow(
            CallOneActivity.run, args=[name, timeout_s], id=unique_queue(), task_queue=queue
        )

    with ThreadPoolExecutor(2) as executor:
        async with Worker(
            client,
            task_queue=queue,
            workflows=[CallOneActivity],
            activities=[
                activities.wait_in_loop,
                activities.wait_in_thread,
                activities.work_in_loop,
                activities.work_in_thread,
                activities.count_failures,
                activities.fail_without_counting,
            ],
            activity_executor=executor,
            interceptors=[HeartbeatInterceptor(INTERVAL)],
            max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            yield start


async def test_an_activity_outlives_its_heartbeat_timeout_without_doing_anything(
    server: str,
) -> None:
    async with worker_of(server, Activities()) as start:
        in_loop = await start("wait_in_loop", 1.0)
        in_thread = await start("wait_in_thread", 1.0)

        assert (await in_loop.result(), await in_thread.result()) == (1, 1)


@pytest.mark.parametrize("name", ["work_in_loop", "work_in_thread"])
async def test_cancellation_reaches_a_running_activity_within_seconds(
    server: str, name: str
) -> None:
    activities = Activities()
    async with worker_of(server, activities) as start:
        handle = await start(name, 30.0)
        assert await asyncio.to_thread(activities.started.wait, DEADLINE_S)
        await handle.cancel()

        assert await asyncio.to_thread(activities.cancelled.wait, 5.0)
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, CancelledError)


async def test_details_heartbeat_just_before_a_failure_reach_the_next_attempt(
    server: str,
) -> None:
    async def count(timeout_s: float) -> list[tuple[Any, ...]]:
        activities = Activities()
        async with worker_of(server, activities) as start:
            handle = await start("count_failures", timeout_s)

            assert await handle.result() == [3]
        return activities.details

    short, long = await asyncio.gather(count(1.0), count(30.0))

    assert short == long == [(), (1,), (2,), (3,)]


async def test_automatic_heartbeats_keep_the_details_of_an_earlier_attempt(server: str) -> None:
    activities = Activities()
    async with worker_of(server, activities) as start:
        handle = await start("fail_without_counting", 1.0)

        assert await handle.result() == ["counted"]
        assert activities.details == [(), ("counted",), ("counted",)]
