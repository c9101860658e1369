"""Stopping a process of Forge until the server takes what it does for lost, and waking it."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forge_core.embedded_server.start import read_record
from forge_core.models.run import PendingActivity
from forge_core.state_dir.files import StateFiles
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import ConnectConfig, connect, embedded_config
from forge_core.temporal_client.inspector import RunInspector
from support.waiting import wait_until

IMPATIENT = {"forge_core.workflows.options.HEARTBEAT_TIMEOUT": 2.0}
"""Seconds of silence after which an activity of a run is tried again, instead of 30."""


@contextmanager
def suspended(pid: int) -> Iterator[None]:
    """Stop a process until the block ends."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: is_stopped(pid), "the process to stop")
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def is_stopped(pid: int) -> bool:
    """Tell whether a process is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def embedded() -> ConnectConfig:
    """Return how to connect to the embedded server of this state directory."""
    record = read_record(StateFiles(get_state_dir()))
    assert record is not None
    return embedded_config(record.address, get_state_dir())


def read_pending(config: ConnectConfig, workflow_id: str) -> tuple[PendingActivity, ...]:
    """Return what a run waits for, as the server has it."""

    async def ask() -> tuple[PendingActivity, ...]:
        return (await RunInspector(await connect(config)).look(workflow_id)).pending

    return asyncio.run(ask())


def wait_for_attempt(
    config: ConnectConfig, workflow_id: str, attempt: int, *, running: bool
) -> None:
    """Wait until a run has come to an attempt of an activity."""

    def has_come() -> bool:
        pending = read_pending(config, workflow_id)
        return any(one.attempt == attempt and one.running is running for one in pending)

    wait_until(has_come, f"attempt {attempt} of an activity, running: {running}")
