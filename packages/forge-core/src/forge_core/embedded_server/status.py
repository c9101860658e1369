"""Looking at the embedded server and stopping it; neither starts one."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from forge_core.embedded_server.launch import ServerRecord
from forge_core.embedded_server.leases import Lease, list_leases
from forge_core.embedded_server.start import read_record
from forge_core.errors import ServerInUse, ServerUnavailable
from forge_core.files.private import open_private
from forge_core.locks.held_file import try_lock
from forge_core.state_dir.files import StateFiles

STOP_TIMEOUT_S = 30.0
"""Seconds within which a server that was told to stop has ended."""

POLL_INTERVAL_S = 0.05


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """How the server of a state directory stands."""

    directory: Path
    record: ServerRecord | None
    """None where no server is running."""
    state_bytes: int
    """Size of the server's database."""
    log_bytes: int
    """Size of its logs, the previous one included."""
    leases: tuple[Lease, ...]
    """Who uses it."""


def get_server_status(directory: Path) -> ServerStatus:
    """Return the status of a state directory's server; nothing is created there."""
    files = StateFiles(directory)
    return ServerStatus(
        directory=directory,
        record=read_record(files),
        state_bytes=_size(files.database) + _size(files.write_ahead_log),
        log_bytes=_size(files.log) + _size(files.previous_log),
        leases=tuple(list_leases(files)),
    )


def stop_server(directory: Path) -> ServerRecord | None:
    """Stop the server and wait until it has ended; None if none runs.

    Raises:
        ServerInUse: Commands use it.
        ServerUnavailable: It does not end.
    """
    status = get_server_status(directory)
    record = status.record
    if record is None:
        return None
    if status.leases:
        users = ", ".join(f"{lease.purpose} (pid {lease.pid})" for lease in status.leases)
        raise ServerInUse(f"the server is in use by {users}: stop them first")
    with suppress(ProcessLookupError):
        os.kill(record.pid, signal.SIGTERM)
    _wait_until_ended(StateFiles(directory), record)
    return record


def _wait_until_ended(files: StateFiles, record: ServerRecord) -> None:
    deadline = time.monotonic() + STOP_TIMEOUT_S
    with open_private(files.server_lock) as lock:
        # Another one may have been started meanwhile: then the old one has ended, too.
        while not try_lock(lock) and read_record(files) in {None, record}:
            if time.monotonic() > deadline:
                raise ServerUnavailable(
                    f"the server (pid {record.server_pid}) did not stop: it or its child processes "
                    f"still hold {files.server_lock}, see {files.log}"
                )
            time.sleep(POLL_INTERVAL_S)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
