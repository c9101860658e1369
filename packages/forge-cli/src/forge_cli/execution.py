"""Executing a run: a server, a worker if the server is ours, progress, the result."""

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from forge_core.errors import RunCancelled, ServerUnavailable, UsageError
from forge_core.models.result import TaskResult
from forge_core.models.task import ForgeTaskInput
from forge_core.temporal.connect import connect, embedded_config, load_connect_config
from forge_core.temporal.obstacles import wait_unless_stuck
from forge_core.temporal.pollers import ensure_taken, has_workers
from forge_core.temporal.runs import RunHandle, start_run
from forge_core.temporal.server import read_record
from forge_core.temporal.state import StateFiles
from forge_core.temporal.worker import SHARED_QUEUE, running_worker
from temporalio.client import Client
from temporalio.service import RPCError

from forge_cli.console import print_note
from forge_cli.embedding import find_embedding
from forge_cli.errors import Interrupted, OutputFailed

POLL_INTERVAL_S = 0.25
"""Seconds between two looks at the progress."""

CANCEL_TIMEOUT_S = 30.0
"""Seconds that an interrupted run gets to stop and clean up."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Requests to stop the process."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A run to be started."""

    work: ForgeTaskInput
    workflow_id: str
    temporal_address: str | None


class Observer(Protocol):
    """Told of a run's progress."""

    def started(self) -> None:
        """Told once the server has taken the run."""

    def look(self) -> None:
        """Called now and then while the run is under way, outside the event loop."""


async def execute_run(submission: Submission, observer: Observer) -> TaskResult:
    """Start a run and wait for its end; the first interrupt cancels it, a second waits no more.

    Raises:
        Interrupted: The process was told to stop; the message says what became of the run.
        ForgeError: The run could not be carried out.
    """
    task = asyncio.current_task()
    with _interrupts(task) as again:
        try:
            purpose = f"run {submission.workflow_id}"
            async with _place_for_run(submission.temporal_address, purpose) as (client, queue):
                handle = await start_run(client, submission.work, submission.workflow_id, queue)
                if queue == SHARED_QUEUE:
                    await ensure_taken(handle)
                observer.started()
                return await _follow(client, handle, observer, again)
        except asyncio.CancelledError:
            raise Interrupted("interrupted while no run was under way") from None


async def submit_run(submission: Submission) -> None:
    """Start a run on a configured server and leave it to that server's workers.

    Raises:
        UsageError: No server is configured, so nothing would go on with the run.
        ServerUnavailable: The server or its workers cannot be reached.
    """
    config = load_connect_config(submission.temporal_address, os.environ)
    if config is None:
        raise UsageError(
            "--no-wait needs a configured Temporal server with a running `forge worker`: "
            "the embedded server ends with this command"
        )
    client = await connect(config)
    await _require_workers(client)
    await ensure_taken(
        await start_run(client, submission.work, submission.workflow_id, SHARED_QUEUE)
    )


@asynccontextmanager
async def _place_for_run(address: str | None, purpose: str) -> AsyncIterator[tuple[Client, str]]:
    """Connect to the configured server, else start the embedded one with a worker.

    The embedded server has no authentication: the queue's name is a secret of this process, so
    that nobody else can hand it work.
    """
    config = load_connect_config(address, os.environ)
    if config is not None:
        client = await connect(config)
        await _require_workers(client)
        yield client, SHARED_QUEUE
        return
    embedding = find_embedding()
    async with embedding.enter(purpose) as embedded_address:
        _tell_ui_address(embedding.directory)
        client = await connect(embedded_config(embedded_address, embedding.directory))
        queue = f"forge-{secrets.token_hex(16)}"
        async with running_worker(client, queue):
            yield client, queue


def _tell_ui_address(directory: Path) -> None:
    record = read_record(StateFiles(directory))
    if record is not None and record.ui_address is not None:
        print_note(f"Temporal's web interface: {record.ui_address}")


async def _require_workers(client: Client) -> None:
    if not await has_workers(client, SHARED_QUEUE):
        raise ServerUnavailable(
            f"no worker polls task queue {SHARED_QUEUE!r} of namespace {client.namespace!r}: "
            "start one with `forge worker`"
        )


async def _follow(
    client: Client, handle: RunHandle, observer: Observer, again: asyncio.Event
) -> TaskResult:
    result = asyncio.ensure_future(wait_unless_stuck(client, handle, _tell_absence))
    try:
        while not result.done():
            await asyncio.wait([result], timeout=POLL_INTERVAL_S)
            await asyncio.to_thread(observer.look)
    except asyncio.CancelledError:
        raise Interrupted(await _cancel(handle, result, again)) from None
    except OutputFailed:
        await _cancel(handle, result, again)
        raise
    return result.result()


def _tell_absence(reason: str) -> None:
    print_note(f"the Temporal server is away, waiting for it: {' '.join(reason.split())[:200]}")


async def _cancel(
    handle: RunHandle, result: asyncio.Future[TaskResult], again: asyncio.Event
) -> str:
    """Cancel a run and say what became of it."""
    run = f"run {handle.id}"
    print_note(f"stopping {run}: interrupt again to wait no longer")
    impatience = asyncio.ensure_future(again.wait())
    either: list[asyncio.Future[Any]] = [result, impatience]
    try:
        await handle.cancel()
        await asyncio.wait(either, timeout=CANCEL_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
    except RPCError as error:
        return f"{run} could not be cancelled: {error.message}"
    finally:
        impatience.cancel()
    if not result.done():
        result.cancel()
        return f"{run} was told to stop and has not stopped yet: see forge status"
    failure = result.exception()
    if isinstance(failure, RunCancelled):
        return f"{run} was cancelled: see forge status --workflow-id {handle.id}"
    return f"{run} had ended already: " + (str(failure) if failure else result.result().status)


@contextmanager
def _interrupts(task: asyncio.Task[Any] | None) -> Iterator[asyncio.Event]:
    """Cancel a task at the first request to stop the process; set the event at each later one."""
    again, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop() -> None:
        if task is None or task.cancelling():
            again.set()
        else:
            task.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield again
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
