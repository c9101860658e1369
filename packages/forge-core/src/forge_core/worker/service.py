"""A worker as a service: it serves the runs of a configured Temporal server."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from forge_core.errors import InfrastructureError, ServerUnavailable
from forge_core.files.private import create_private
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import ConnectConfig, connect
from forge_core.temporal_client.inspector import RunInspector
from forge_core.worker.worker import DEFAULT_LIMITS, SHARED_QUEUE, WorkerLimits, running_worker

LOOK_INTERVAL_S = 0.1


@dataclass(frozen=True, slots=True)
class WorkerService:
    """A worker that the server knows of."""

    address: str
    namespace: str
    own_queue: str
    """The task queue that only the workers of this machine poll."""
    wait_for_end: Callable[[], Awaitable[None]]
    """Returns once a run has ended or stopped since the last time."""


@asynccontextmanager
async def serving_runs(
    config: ConnectConfig, limits: WorkerLimits = DEFAULT_LIMITS
) -> AsyncIterator[WorkerService]:
    """Serve runs until the block ends; what is under way then gets its time to end.

    What is not finished by then is done by the next worker of this state directory.

    Raises:
        ServerUnavailable: The server cannot be reached.
        InfrastructureError: The state directory cannot be written.
    """
    client = await connect(config)
    own_queue = f"{SHARED_QUEUE}@{_read_worker_id(get_state_dir())}"
    async with running_worker(client, SHARED_QUEUE, own_queue, limits=limits) as runs:
        # Before the server knows of a worker, nobody submits a run. One that does not tell is not
        # waited for: the worker can work all the same.
        with suppress(ServerUnavailable):
            await _wait_until_polled(RunInspector(client))
        yield WorkerService(config.address, client.namespace, own_queue, runs.wait_for_end)


async def _wait_until_polled(inspector: RunInspector) -> None:
    while not await inspector.has_workers(SHARED_QUEUE):  # noqa: ASYNC110 - nothing tells when
        await asyncio.sleep(LOOK_INTERVAL_S)


def _read_worker_id(directory: Path) -> str:
    """Return the id of this machine's workers, made at first use.

    Workers with the same state directory share it: they share the worktrees too.

    Raises:
        InfrastructureError: The state directory cannot be written.
    """
    path = directory / "worker-id"
    try:
        with suppress(FileExistsError):
            create_private(path, f"{secrets.token_hex(8)}\n")
        return path.read_text().strip()
    except OSError as error:
        raise InfrastructureError(f"state directory {directory}: {error.strerror}") from error
