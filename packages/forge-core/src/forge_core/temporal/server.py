"""The embedded Temporal server: attach to the running one, else start it."""

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from temporalio.client import Client
from temporalio.service import RPCError

from forge_core.errors import ServerUnavailable
from forge_core.temporal.state import ServerState, StateFiles, parse_state

START_TIMEOUT_S = 60.0
"""Seconds within which the server must answer."""

POLL_INTERVAL_S = 0.05


@asynccontextmanager
async def embedded_server(
    directory: Path, *, idle_s: float = 0.0, ui: bool = False
) -> AsyncIterator[str]:
    """Give the address of the server of a state directory, started if it does not run.

    The block holds a lease. The server ends when no process has held one for `idle_s` seconds;
    a killed process loses its lease by itself.

    Args:
        directory: The state directory; made if missing.
        idle_s: Seconds that a server started here outlives its last lease.
        ui: Serve Temporal's web interface too, on a port of its own.

    Raises:
        ServerUnavailable: It cannot be started; the message says why.
    """
    files = StateFiles(directory)
    try:
        lease = await asyncio.to_thread(_open_lease, files)
    except OSError as error:
        raise ServerUnavailable(f"state directory {directory}: {error.strerror}") from error
    with lease:
        await asyncio.to_thread(fcntl.flock, lease, fcntl.LOCK_SH)
        state = await _attach_or_start(files, idle_s, ui=ui)
        yield state.address


def find_temporal_binary() -> str:
    """Find the Temporal command: `FORGE_TEMPORAL_BIN`, this environment's, one on PATH.

    Raises:
        ServerUnavailable: There is none.
    """
    configured = os.environ.get("FORGE_TEMPORAL_BIN")
    if configured:
        if not os.access(configured, os.X_OK):
            raise ServerUnavailable(f"FORGE_TEMPORAL_BIN={configured} is no executable file")
        return configured
    packaged = Path(sysconfig.get_path("scripts")) / "temporal"
    found = str(packaged) if packaged.is_file() else shutil.which("temporal")
    if found is None:
        raise ServerUnavailable(
            "no Temporal server: package temporal-bin is not installed (it exists for Linux and "
            "macOS); set TEMPORAL_ADDRESS, or FORGE_TEMPORAL_BIN to the temporal command"
        )
    return found


async def _attach_or_start(files: StateFiles, idle_s: float, *, ui: bool) -> ServerState:
    with _open_private(files.start_lock) as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        state = _read_state(files)
        if state is not None and await _answers(state):
            return state
        supervisor = _start_supervisor(files, idle_s, ui=ui)
        return await _wait_until_ready(files, supervisor)


def _start_supervisor(files: StateFiles, idle_s: float, *, ui: bool) -> subprocess.Popen[bytes]:
    command = [
        sys.executable, "-m", "forge_core.temporal.supervisor",
        str(files.directory), find_temporal_binary(), str(idle_s), "ui" if ui else "headless",
    ]  # fmt: skip
    with _open_private(files.log, "w") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=files.directory,
            start_new_session=True,
        )


async def _wait_until_ready(files: StateFiles, supervisor: subprocess.Popen[bytes]) -> ServerState:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        state = _read_state(files)
        if state is not None and await _answers(state):
            return state
        if supervisor.poll() is not None:
            raise ServerUnavailable(_explain_failure(files))
        await asyncio.sleep(POLL_INTERVAL_S)
    supervisor.terminate()
    raise ServerUnavailable(
        f"the embedded Temporal server did not answer within {START_TIMEOUT_S:.0f} s: "
        f"see {files.log}"
    )


async def _answers(state: ServerState) -> bool:
    """Tell whether the server is up and knows its default namespace."""
    try:
        client = await Client.connect(state.address)
        return await client.service_client.check_health()
    except (RPCError, RuntimeError):
        return False


def _read_state(files: StateFiles) -> ServerState | None:
    try:
        return parse_state(files.state.read_text())
    except OSError:
        return None


def _explain_failure(files: StateFiles) -> str:
    lines = [line for line in files.log.read_text(errors="replace").splitlines() if line.strip()]
    reason = lines[-1].strip()[:300] if lines else "it said nothing"
    return f"the embedded Temporal server did not start: {reason} (see {files.log})"


def _open_lease(files: StateFiles) -> IO[str]:
    files.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _open_private(files.leases)


def _open_private(path: Path, mode: str = "a") -> IO[str]:
    """Open a file that only its owner may read, whatever the umask."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))
