"""Starting a run that a process of its own executes, so that nobody has to wait."""

import asyncio
import subprocess
import threading
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from forge_core.embedded_server.settings import ServerSettings
from forge_core.errors import InfrastructureError
from forge_core.files.private import make_private, open_private
from forge_core.models.task import ForgeTaskInput
from forge_core.runs.connection import connected
from forge_core.runs.events import Events, RunDetached, RunEvent, stream_events
from forge_core.runs.execution import submit
from forge_core.runs.ownership import find_owner

START_TIMEOUT_S = 60.0
"""Seconds within which the detached process has taken the run."""

POLL_INTERVAL_S = 0.05


def start_detached_run(
    work: ForgeTaskInput,
    workflow_id: str,
    command: Sequence[str],
    *,
    temporal_address: str | None = None,
) -> AsyncGenerator[RunEvent]:
    """Start a run and leave it to a worker.

    Args:
        work: The task, as `resolve_run` gives it.
        workflow_id: The run's, as `make_workflow_id` gives it.
        command: What resumes a run of the embedded server when the workflow id is added as last
            argument; it is executed in a session of its own, with this process's environment.
        temporal_address: Of a configured server, whose workers execute the run; None leaves it to
            the environment.

    Returns:
        `ServerConnected`, `SubmissionStarted` and `RunDetached`.

    Raises:
        ServerUnavailable: The server or its workers cannot be reached.
        InfrastructureError: The detached process does not take the run.
    """

    async def start(events: Events) -> RunEvent:
        async with connected(temporal_address, f"submit {workflow_id}") as connection:
            await events.hand_over(connection.describe())
            await submit(connection, work, workflow_id, events)
            if connection.embedded is None:
                return RunDetached(workflow_id, None)
            log = await _detach(connection.embedded, workflow_id, [*command, workflow_id])
            return RunDetached(workflow_id, log)

    return stream_events(start)


async def _detach(embedded: ServerSettings, workflow_id: str, command: Sequence[str]) -> Path:
    log = embedded.files.run_log(workflow_id)
    try:
        process = _spawn(log, command)
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
    # It outlives this stream: somebody has to wait for its end as long as this process lives.
    threading.Thread(target=process.wait, name=f"forge-{process.pid}", daemon=True).start()
    return log


def _spawn(log: Path, command: Sequence[str]) -> subprocess.Popen[bytes]:
    make_private(log.parent)
    with open_private(log) as file:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )


def _explain_end(log: Path, workflow_id: str) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
    return (
        f"the worker of run {workflow_id} does not take it: {lines[-1]} "
        f"(see {log}): forge resume {workflow_id}"
    )
