"""Where runs are executed: a configured server with its workers, else the embedded one and us."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from forge_core.embedded_server.start import keep_server, read_record
from forge_core.errors import ServerUnavailable
from forge_core.runs.ownership import confirm_run
from forge_core.state_dir.files import StateFiles
from forge_core.temporal_client.connect import connect, embedded_config, load_connect_config
from forge_core.temporal_client.inspector import FoundRun
from forge_core.temporal_client.task_queues import has_workers
from forge_core.worker.worker import SHARED_QUEUE, WorkerLimits, running_worker
from temporalio.client import Client

from forge_cli.runs.embedding import Embedding, find_embedding
from forge_cli.terminal.console import print_note

LIMITS = WorkerLimits(grace=timedelta(0))
"""A worker that is told to stop tells its activities at once: what they do can be done again."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """The embedded server, on which this process holds a lease."""

    embedding: Embedding
    address: str

    @property
    def files(self) -> StateFiles:
        """The files of its state directory."""
        return StateFiles(self.embedding.directory)


@dataclass(frozen=True, slots=True)
class Place:
    """A server that this process is connected to."""

    client: Client
    embedded: Embedded | None
    """None where a server is configured, whose workers execute the runs."""


@asynccontextmanager
async def connected(address: str | None, purpose: str) -> AsyncIterator[Place]:
    """Connect to the configured server, else to the embedded one, started if need be.

    Args:
        address: Of a configured server; None leaves it to the environment.
        purpose: What a lease on the embedded server is for.
    """
    config = load_connect_config(address, os.environ)
    if config is not None:
        yield Place(await connect(config), None)
        return
    embedding = find_embedding()
    async with embedding.enter(purpose) as embedded_address:
        client = await connect(embedded_config(embedded_address, embedding.directory))
        yield Place(client, Embedded(embedding, embedded_address))


def tell_ui_address(embedded: Embedded) -> None:
    """Tell where Temporal's web interface is, if the server has one."""
    record = read_record(embedded.files)
    if record is not None and record.ui_address is not None:
        print_note(f"Temporal's web interface: {record.ui_address}")


def make_queue() -> str:
    """Name the task queue of one run.

    The embedded server has no authentication: the name is a secret, so that nobody else can hand
    work to the run's worker.
    """
    return f"forge-{secrets.token_hex(16)}"


async def require_workers(client: Client) -> None:
    """See that somebody executes what is submitted to a configured server.

    Raises:
        ServerUnavailable: Nobody does.
    """
    if not await has_workers(client, SHARED_QUEUE):
        raise ServerUnavailable(
            f"no worker polls task queue {SHARED_QUEUE!r} of namespace {client.namespace!r}: "
            "start one with `forge worker`"
        )


@asynccontextmanager
async def executing(
    client: Client, embedded: Embedded, found: FoundRun
) -> AsyncIterator["asyncio.Task[None]"]:
    """Execute a run of the embedded server here, and keep the server alive meanwhile.

    Yields:
        A task that ends, with the reason, if the server is lost for good.

    Raises:
        RunRepeated: It is not the run that was executed under its id before.
    """
    confirm_run(embedded.files, found.handle.id, found.run_id)
    async with running_worker(client, found.task_queue, only=found.key, limits=LIMITS) as runs:
        await runs.adopt(found.key, found.work)
        keeping = asyncio.create_task(_keep(embedded))
        try:
            yield keeping
        finally:
            keeping.cancel()


async def _keep(embedded: Embedded) -> None:
    embedding = embedded.embedding
    await keep_server(
        embedding.directory,
        embedded.address,
        lambda: print_note("the embedded Temporal server has ended: starting it again"),
        idle_s=embedding.idle_s,
        ui=embedding.ui,
    )
