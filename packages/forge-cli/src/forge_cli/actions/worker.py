"""Carrying out ``forge worker``."""

import asyncio
import os
import secrets
from contextlib import suppress
from pathlib import Path

from forge_core.errors import InfrastructureError, ServerUnavailable, UsageError
from forge_core.files.private import create_private
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import ConnectConfig, connect, load_connect_config
from forge_core.temporal_client.task_queues import LOOK_INTERVAL_S, has_workers
from forge_core.tracing.setup import init_tracing, shutdown_tracing
from forge_core.worker.worker import SHARED_QUEUE, WorkerLimits, running_worker
from forge_obs import flush
from temporalio.client import Client

from forge_cli.actions.run import prepare_store
from forge_cli.exit_codes import ExitCode
from forge_cli.terminal.console import print_text
from forge_cli.terminal.signals import interruptible


def serve_runs(address: str | None, limits: WorkerLimits) -> ExitCode:
    """Serve runs until the process is told to stop.

    What is not finished then is done by the next worker of this state directory.

    Raises:
        UsageError: No server is configured.
        ServerUnavailable: It cannot be reached.
    """
    config = load_connect_config(address, os.environ)
    if config is None:
        raise UsageError(
            "forge worker serves a configured Temporal server: give --temporal-address or set "
            "TEMPORAL_ADDRESS (without one, forge run brings its own server and worker)"
        )
    prepare_store()
    init_tracing(os.environ.get("FORGE_OTEL_EXPORTER", "none"))
    try:
        asyncio.run(_serve(config, limits))
    finally:
        shutdown_tracing()
        flush()
    return ExitCode.SUCCESS


async def _serve(config: ConnectConfig, limits: WorkerLimits) -> None:
    with interruptible() as interruption:
        try:
            await _work(config, limits)
        except asyncio.CancelledError:
            if not interruption.requested:
                raise
    print_text("worker stopped")


async def _work(config: ConnectConfig, limits: WorkerLimits) -> None:
    """Execute runs until cancelled; what is under way then gets its time to end."""
    client = await connect(config)
    own_queue = f"{SHARED_QUEUE}@{_worker_id(get_state_dir())}"
    async with running_worker(client, SHARED_QUEUE, own_queue, limits=limits):
        await _wait_until_polled(client)
        print_text(
            f"worker ready: task queues {SHARED_QUEUE} and {own_queue} "
            f"on {config.address}, namespace {client.namespace}"
        )
        try:
            await asyncio.Event().wait()
        finally:
            grace_s = limits.grace.total_seconds()
            print_text(f"worker stopping: what runs gets {grace_s:g} s")


async def _wait_until_polled(client: Client) -> None:
    """Wait until the server knows of a worker: before that `forge run` submits nothing.

    A server that does not tell is not waited for: the worker can work all the same.
    """
    with suppress(ServerUnavailable):
        while not await has_workers(client, SHARED_QUEUE):  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(LOOK_INTERVAL_S)


def _worker_id(directory: Path) -> str:
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
