"""Starting a run that a process of its own executes, so that nobody has to wait."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from forge_core.errors import InfrastructureError
from forge_core.files.private import make_private, open_private
from forge_core.runs.client import start_run
from forge_core.runs.ownership import find_owner
from forge_core.temporal_client.task_queues import ensure_taken
from forge_core.worker.worker import SHARED_QUEUE
from forge_obs import StoreError, get_db_path

from forge_cli.runs.connection import (
    Embedded,
    connected,
    make_queue,
    require_workers,
    tell_ui_address,
)
from forge_cli.runs.execution import NOT_STARTED, Submission, describe_submission
from forge_cli.store.queries import Store
from forge_cli.terminal.signals import explaining

START_TIMEOUT_S = 60.0
"""Seconds within which the detached process has taken the run."""

LISTED_TIMEOUT_S = 10.0
"""Seconds that the run's record is waited for; where it cannot be written, the run goes on."""

POLL_INTERVAL_S = 0.05


async def submit_run(submission: Submission, tell: Callable[[str], object]) -> Path | None:
    """Start a run and leave it to a worker.

    Args:
        submission: The run.
        tell: Told in one line why the process ends at once.

    Returns:
        The log of the process that executes it; None where a configured server's workers do.

    Raises:
        ServerUnavailable: The server or its workers cannot be reached.
        InfrastructureError: The detached process does not take the run.
        Interrupted: The process was told to stop; the message says what became of the run.
    """
    work, workflow_id, address = (
        submission.work,
        submission.workflow_id,
        submission.temporal_address,
    )
    remark = NOT_STARTED
    with explaining(lambda: remark, tell):
        async with connected(address, f"submit {workflow_id}") as place:
            if place.embedded is None:
                await require_workers(place.client)
                remark = describe_submission(workflow_id)
                await ensure_taken(await start_run(place.client, work, workflow_id, SHARED_QUEUE))
                return None
            tell_ui_address(place.embedded)
            remark = describe_submission(workflow_id)
            await start_run(place.client, work, workflow_id, make_queue())
            return await _detach(place.embedded, workflow_id)


async def _detach(embedded: Embedded, workflow_id: str) -> Path:
    log = embedded.files.run_log(workflow_id)
    try:
        process = _spawn(log, workflow_id)
    except OSError as error:
        raise InfrastructureError(
            f"no worker for run {workflow_id} ({error.strerror}): forge resume {workflow_id}"
        ) from error
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while find_owner(embedded.files, workflow_id) != process.pid:
                if process.poll() is not None:
                    raise InfrastructureError(_explain_end(log, workflow_id))
                await asyncio.sleep(POLL_INTERVAL_S)
    except TimeoutError as error:
        raise InfrastructureError(_explain_end(log, workflow_id)) from error
    if get_db_path() is not None:
        await _wait_until_listed(process, workflow_id)
    return log


async def _wait_until_listed(process: subprocess.Popen[bytes], workflow_id: str) -> None:
    """Wait until the run is on record, so that who asks for it next is not told of none."""
    store = Store()
    with suppress(TimeoutError, StoreError):
        async with asyncio.timeout(LISTED_TIMEOUT_S):
            while store.find_status(workflow_id) is None and process.poll() is None:  # noqa: ASYNC110
                await asyncio.sleep(POLL_INTERVAL_S)


def _spawn(log: Path, workflow_id: str) -> subprocess.Popen[bytes]:
    """Start what resumes the run, in a session of its own, with our environment."""
    make_private(log.parent)
    with open_private(log) as file:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "forge_cli", "resume", workflow_id],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def _explain_end(log: Path, workflow_id: str) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
    return (
        f"the worker of run {workflow_id} does not take it: {lines[-1]} "
        f"(see {log}): forge resume {workflow_id}"
    )
