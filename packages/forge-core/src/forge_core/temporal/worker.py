"""The worker: what executes runs, in process or as a service."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from forge_core.activities.context import assemble_context, assemble_planner_context
from forge_core.activities.failures import FailureInterceptor
from forge_core.activities.files import validate_output, write_output
from forge_core.activities.git import (
    commit_attempt,
    create_sub_worktree,
    create_worktree,
    gather_sub_tasks,
    remove_sub_task_worktrees,
    reset_worktree_to,
)
from forge_core.activities.heartbeat import HEARTBEAT_THROTTLE, HeartbeatInterceptor
from forge_core.activities.llm import call_llm
from forge_core.activities.planner import call_planner
from forge_core.activities.results import ResultInterceptor
from forge_core.activities.runs import RunActivities
from forge_core.temporal.payloads import get_limit
from forge_core.workflows.fan_out import ForgeSubTaskWorkflow
from forge_core.workflows.task import ForgeTaskWorkflow

SHARED_QUEUE = "forge"
"""Task queue on which workers of a cluster wait for new runs."""

MAX_ACTIVITIES = 16
"""Activities that a worker executes at a time."""

GRACE = timedelta(seconds=5)
"""Time that running activities get to end when the worker stops."""

WORKFLOWS = (ForgeTaskWorkflow, ForgeSubTaskWorkflow)

ACTIVITIES = (
    assemble_context,
    assemble_planner_context,
    call_llm,
    call_planner,
    commit_attempt,
    create_sub_worktree,
    create_worktree,
    gather_sub_tasks,
    remove_sub_task_worktrees,
    reset_worktree_to,
    validate_output,
    write_output,
)

PASSTHROUGH = ("forge_core", "forge_obs", "opentelemetry", "orjson", "pydantic", "pydantic_core")
"""Modules that workflow code shares with the process instead of importing them anew."""


@asynccontextmanager
async def running_worker(
    client: Client, task_queue: str, own_queue: str | None = None
) -> AsyncIterator[None]:
    """Serve runs until the block ends.

    Args:
        client: A connection; its data converter and plugins are the worker's too.
        task_queue: Where new runs are waited for.
        own_queue: Queue that no other worker polls, on which all activities of a run that
            began here are executed; None when `task_queue` is such a queue itself.
    """
    runs = RunActivities(own_queue or task_queue)
    queues = (task_queue,) if own_queue is None else (task_queue, own_queue)
    with ThreadPoolExecutor(MAX_ACTIVITIES, thread_name_prefix="forge-activity") as executor:
        async with AsyncExitStack() as stack:
            for queue in queues:
                serves_workflows = queue == task_queue
                await stack.enter_async_context(
                    _build_worker(client, queue, runs, executor, serves_workflows)
                )
            alive = asyncio.create_task(runs.report_alive())
            try:
                yield
            finally:
                alive.cancel()
                with suppress(asyncio.CancelledError):
                    await alive


def build_runner() -> SandboxedWorkflowRunner:
    """Build what executes workflow code, in a worker and in a replay."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSTHROUGH)
    return SandboxedWorkflowRunner(restrictions=restrictions)


def _build_worker(
    client: Client,
    queue: str,
    runs: RunActivities,
    executor: ThreadPoolExecutor,
    serves_workflows: bool,
) -> Worker:
    activities: list[Any] = [*ACTIVITIES, runs.begin_run, runs.record_run]
    return Worker(
        client,
        task_queue=queue,
        workflows=WORKFLOWS if serves_workflows else (),
        activities=activities,
        activity_executor=executor,
        max_concurrent_activities=MAX_ACTIVITIES,
        graceful_shutdown_timeout=GRACE,
        max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        interceptors=[
            HeartbeatInterceptor(),
            FailureInterceptor(),
            ResultInterceptor(get_limit(client.data_converter)),
        ],
        workflow_runner=build_runner(),
    )
