"""The worker: what executes runs, in process or as a service."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.metadata import version
from typing import Any

from temporalio.client import Client
from temporalio.worker import Interceptor, UnsandboxedWorkflowRunner, Worker

from forge_core.activities.context import assemble_context, assemble_planner_context
from forge_core.activities.files import validate_output, write_output
from forge_core.activities.git import (
    commit_attempt,
    create_sub_worktree,
    create_worktree,
    gather_sub_tasks,
    remove_sub_task_worktrees,
    reset_worktree_to,
)
from forge_core.activities.llm import call_llm, call_planner
from forge_core.activities.runs import RunActivities
from forge_core.models.activity import RunOwner
from forge_core.models.run import RunKey
from forge_core.temporal_client.payload_size import get_limit
from forge_core.worker.interceptors.admission import AdmissionInterceptor
from forge_core.worker.interceptors.adoption import AdoptionInterceptor
from forge_core.worker.interceptors.failures import FailureInterceptor
from forge_core.worker.interceptors.heartbeat import HEARTBEAT_THROTTLE, HeartbeatInterceptor
from forge_core.worker.interceptors.results import ResultInterceptor
from forge_core.workflows.fan_out import ForgeSubTaskWorkflow
from forge_core.workflows.task import ForgeTaskWorkflow

SHARED_QUEUE = "forge"
"""Task queue on which workers of a cluster wait for new runs."""

MAX_ACTIVITIES = 16
"""Activities that a worker executes at a time unless told otherwise."""

GRACE = timedelta(seconds=5)
"""Time that running activities get to end when the worker stops."""

RECONCILE_TIMEOUT_S = 2.0
"""Seconds that a stopping worker waits to hear how its runs stand."""

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


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What a worker takes on, and how it stops."""

    max_activities: int = MAX_ACTIVITIES
    """Activities that are executed at a time, model calls among them."""
    grace: timedelta = GRACE
    """Time that running activities get to end when the worker stops."""


DEFAULT_LIMITS = WorkerLimits()


@asynccontextmanager
async def running_worker(
    client: Client,
    task_queue: str,
    own_queue: str | None = None,
    only: RunKey | None = None,
    limits: WorkerLimits = DEFAULT_LIMITS,
) -> AsyncIterator[RunActivities]:
    """Serve runs until the block ends.

    Args:
        client: A connection; its data converter and plugins are the worker's too.
        task_queue: Where new runs are waited for.
        own_queue: Queue that no other worker polls, on which all activities of a run that
            began here are executed; None when `task_queue` is such a queue itself.
        only: The one run to be served, where the server does not know who asks; None for all.
        limits: What the worker takes on.

    Yields:
        The record of the worker's runs.
    """
    owner = RunOwner(task_queue=own_queue or task_queue, sole=own_queue is None)
    runs = RunActivities(client, owner)
    queues = (task_queue,) if own_queue is None else (task_queue, own_queue)
    extra = (
        AdoptionInterceptor(client, runs) if only is None else AdmissionInterceptor(client, only)
    )
    with ThreadPoolExecutor(limits.max_activities, thread_name_prefix="forge-activity") as executor:
        parts = _Parts(client, runs, executor, extra, limits)
        async with AsyncExitStack() as stack:
            for queue in queues:
                worker = _build_worker(parts, queue, serves_workflows=queue == task_queue)
                await stack.enter_async_context(worker)
            alive = asyncio.create_task(runs.report_alive())
            try:
                yield runs
            finally:
                alive.cancel()
                with suppress(asyncio.CancelledError):
                    await alive
                with suppress(TimeoutError):
                    await asyncio.wait_for(runs.reconcile(), RECONCILE_TIMEOUT_S)


@cache
def build_id() -> str:
    """Return a name of the worker's code; by itself the SDK hashes all modules, half a second."""
    return f"forge-{version('forge-core')}"


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the workers of one process share."""

    client: Client
    runs: RunActivities
    executor: ThreadPoolExecutor
    extra: Interceptor
    """What else stands around activities, by whose worker it is."""
    limits: WorkerLimits


def _build_worker(parts: _Parts, queue: str, *, serves_workflows: bool) -> Worker:
    client, runs = parts.client, parts.runs
    activities: list[Any] = [*ACTIVITIES, runs.begin_run, runs.record_run]
    return Worker(
        client,
        task_queue=queue,
        workflows=WORKFLOWS if serves_workflows else (),
        activities=activities,
        activity_executor=parts.executor,
        max_concurrent_activities=parts.limits.max_activities,
        graceful_shutdown_timeout=parts.limits.grace,
        max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        build_id=build_id(),
        interceptors=[
            HeartbeatInterceptor(),
            FailureInterceptor(),
            parts.extra,
            ResultInterceptor(get_limit(client.data_converter)),
        ],
        # The SDK's sandbox costs 6 ms a step; replays use it, and find what it would.
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
