"""Carrying out ``forge worker``."""

import asyncio
import os
import secrets
import signal
from contextlib import suppress
from pathlib import Path

from forge_core.errors import InfrastructureError, UsageError
from forge_core.files.create import create_whole
from forge_core.temporal.connect import ConnectConfig, connect, load_connect_config
from forge_core.temporal.server import get_state_dir
from forge_core.temporal.worker import SHARED_QUEUE, running_worker
from forge_core.tracing import init_tracing, shutdown_tracing
from forge_obs import flush

from forge_cli.console import print_text
from forge_cli.exit_codes import ExitCode
from forge_cli.running import prepare_store


def serve_runs(address: str | None) -> ExitCode:
    """Serve runs until the process is told to stop.

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
        asyncio.run(_serve(config))
    finally:
        shutdown_tracing()
        flush()
    return ExitCode.SUCCESS


async def _serve(config: ConnectConfig) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    client = await connect(config)
    own_queue = f"{SHARED_QUEUE}@{_worker_id(get_state_dir())}"
    async with running_worker(client, SHARED_QUEUE, own_queue):
        print_text(
            f"worker ready: task queues {SHARED_QUEUE} and {own_queue} "
            f"on {config.address}, namespace {client.namespace}"
        )
        await stopped.wait()
    print_text("worker stopped")


def _worker_id(directory: Path) -> str:
    """Return the id of this machine's workers, made at first use.

    Workers with the same state directory share it: they share the worktrees too.

    Raises:
        InfrastructureError: The state directory cannot be written.
    """
    path = directory / "worker-id"
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            create_whole(path, f"{secrets.token_hex(8)}\n")
        return path.read_text().strip()
    except OSError as error:
        raise InfrastructureError(f"state directory {directory}: {error.strerror}") from error
