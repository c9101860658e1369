"""Carrying out ``forge worker``."""

import asyncio
import os
from collections.abc import Awaitable, Callable

from forge_core.errors import UsageError
from forge_core.temporal_client.connect import ConnectConfig, load_connect_config
from forge_core.tracing.setup import init_tracing, shutdown_tracing
from forge_core.worker.service import serving_runs
from forge_core.worker.worker import SHARED_QUEUE, WorkerLimits
from forge_obs import flush, redact_text

from forge_cli.actions.house.archive import archive_after_run
from forge_cli.actions.run.run import prepare_store
from forge_cli.exit_codes import ExitCode
from forge_cli.terminal.console import print_text
from forge_cli.terminal.signals import interruptible

ARCHIVE_PAUSE_S = 60.0
"""Seconds from one archiving to the next at least: a worker's runs may end one after the other."""


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
    init_tracing(redact=redact_text)
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
    """Execute runs until cancelled."""
    async with serving_runs(config, limits) as service:
        print_text(
            f"worker ready: task queues {SHARED_QUEUE} and {service.own_queue} "
            f"on {service.address}, namespace {service.namespace}"
        )
        try:
            await _archive_after_runs(service.wait_for_end)
        finally:
            grace_s = limits.grace.total_seconds()
            print_text(f"worker stopping: running activities get {grace_s:g} s")


async def _archive_after_runs(
    wait_for_end: Callable[[], Awaitable[None]], pause_s: float = ARCHIVE_PAUSE_S
) -> None:
    """After runs have ended, archive for a few seconds what is old, until cancelled.

    Once at a time and in a thread of its own, so that runs under way are not kept waiting.
    """
    while True:
        await wait_for_end()
        await asyncio.to_thread(archive_after_run)
        await asyncio.sleep(pause_s)
