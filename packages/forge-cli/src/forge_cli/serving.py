"""Carrying out ``forge worker``."""

import asyncio
import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from forge_core.errors import InfrastructureError, UsageError
from forge_core.files.create import create_whole, make_private
from forge_core.temporal.connect import ConnectConfig, connect, load_connect_config
from forge_core.temporal.server import get_state_dir
from forge_core.temporal.worker import MAX_ACTIVITIES, SHARED_QUEUE, running_worker
from forge_core.tracing import init_tracing, shutdown_tracing
from forge_obs import flush

from forge_cli.console import print_text
from forge_cli.exit_codes import ExitCode
from forge_cli.running import prepare_store

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Requests to stop the process."""


@dataclass(frozen=True, slots=True)
class ServingLimits:
    """What a worker takes on, and how it stops."""

    max_activities: int = MAX_ACTIVITIES
    """Activities that are executed at a time, model calls among them."""
    grace_s: float = 30.0
    """Seconds that running activities get to end when the worker is told to stop."""


def serve_runs(address: str | None, limits: ServingLimits) -> ExitCode:
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


async def _serve(config: ConnectConfig, limits: ServingLimits) -> None:
    client = await connect(config)
    own_queue = f"{SHARED_QUEUE}@{_worker_id(get_state_dir())}"
    grace = timedelta(seconds=limits.grace_s)
    with _stop_requests() as stopped:
        async with running_worker(
            client, SHARED_QUEUE, own_queue, grace=grace, max_activities=limits.max_activities
        ):
            print_text(
                f"worker ready: task queues {SHARED_QUEUE} and {own_queue} "
                f"on {config.address}, namespace {client.namespace}"
            )
            await stopped.wait()
            print_text(
                f"worker stopping: what runs gets {limits.grace_s:g} s; interrupt again to stop now"
            )
    print_text("worker stopped")


@contextmanager
def _stop_requests() -> Iterator[asyncio.Event]:
    """Set an event at the first request to stop; the second ends the process."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop() -> None:
        stopped.set()
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield stopped
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


def _worker_id(directory: Path) -> str:
    """Return the id of this machine's workers, made at first use.

    Workers with the same state directory share it: they share the worktrees too.

    Raises:
        InfrastructureError: The state directory cannot be written.
    """
    path = directory / "worker-id"
    try:
        make_private(directory)
        with suppress(FileExistsError):
            create_whole(path, f"{secrets.token_hex(8)}\n")
        return path.read_text().strip()
    except OSError as error:
        raise InfrastructureError(f"state directory {directory}: {error.strerror}") from error
