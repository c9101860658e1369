"""The supervisor: owns the embedded server's process and ends it when nobody needs it.

Started detached by `forge_core.temporal.server`:
``python -m forge_core.temporal.supervisor STATE_DIR BINARY IDLE_SECONDS UI``. It imports nothing
of Temporal, so that it starts at once and stays small.
"""

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from forge_core.temporal.state import ServerState, StateFiles, dump_state, parse_state

POLL_INTERVAL_S = 0.1
"""Seconds between two looks at the leases."""

STOP_TIMEOUT_S = 10.0
"""Seconds that the server gets to end by itself."""

PR_SET_PDEATHSIG = 1

SETTINGS = ("history.transferProcessorMaxPollRPS=10000",)
"""Dynamic configuration: an activity costs 50 ms without it, 7 to 15 ms with it."""


class Stopped(Exception):
    """The supervisor was told to stop."""


def supervise(files: StateFiles, binary: str, idle_s: float, *, ui: bool) -> int:
    """Run one server until no lease is held for `idle_s` seconds; return its exit code."""
    with files.supervisor_lock.open("a") as own:
        fcntl.flock(own, fcntl.LOCK_EX)
        _wait_for_orphan(files)
        server, state = _start(files, binary, ui=ui)
        try:
            _publish(files, state)
            _watch(files, server, idle_s)
        except Stopped:
            pass
        finally:
            files.state.unlink(missing_ok=True)
            _stop(server)
        return server.returncode or 0


def free_ports(count: int) -> list[int]:
    """Find different loopback ports that nobody listens on."""
    with ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in sockets]


def build_command(files: StateFiles, binary: str, ports: Sequence[int], *, ui: bool) -> list[str]:
    """Build the server's command line; it listens on loopback only.

    Args:
        files: Where its database is.
        binary: The Temporal command.
        ports: For its clients, its HTTP interface, its metrics and its web interface.
        ui: Whether the web interface is served.
    """
    port, http_port, metrics_port, ui_port = ports
    command = [
        binary, "server", "start-dev",
        "--ip", "127.0.0.1",
        "--port", str(port),
        "--http-port", str(http_port),
        "--metrics-port", str(metrics_port),
        "--db-filename", str(files.database),
        "--log-level", "error",
        *(word for setting in SETTINGS for word in ("--dynamic-config-value", setting)),
    ]  # fmt: skip
    return [*command, *(["--ui-port", str(ui_port)] if ui else ["--headless"])]


def _start(
    files: StateFiles, binary: str, *, ui: bool
) -> tuple[subprocess.Popen[bytes], ServerState]:
    ports = free_ports(4)
    server = subprocess.Popen(
        build_command(files, binary, ports, ui=ui),
        stdin=subprocess.DEVNULL,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - this process has one thread
    )
    return server, ServerState(os.getpid(), server.pid, ports[0], ports[3] if ui else None)


def _publish(files: StateFiles, state: ServerState) -> None:
    written = files.state.with_suffix(".tmp")
    written.write_text(dump_state(state))
    written.replace(files.state)


def _watch(files: StateFiles, server: subprocess.Popen[bytes], idle_s: float) -> None:
    """Return when the server has ended or nobody has held a lease for long enough.

    The last look keeps the leases locked: who comes now waits until we are gone and starts anew.
    """
    last_used = time.monotonic()
    leases = files.leases.open("a")
    while server.poll() is None:
        time.sleep(POLL_INTERVAL_S)
        try:
            fcntl.flock(leases, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            last_used = time.monotonic()
            continue
        if time.monotonic() - last_used >= idle_s:
            return
        fcntl.flock(leases, fcntl.LOCK_UN)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _wait_for_orphan(files: StateFiles) -> None:
    """Wait for the server of a supervisor that was killed: two on one file ruin it."""
    try:
        old = parse_state(files.state.read_text())
    except OSError:
        return
    files.state.unlink()
    if old is None or not _is_server(old.server_pid, files):
        return
    with suppress(ProcessLookupError):
        os.kill(old.server_pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while _is_server(old.server_pid, files):
        if time.monotonic() > deadline:
            with suppress(ProcessLookupError):
                os.kill(old.server_pid, signal.SIGKILL)
        time.sleep(POLL_INTERVAL_S)


def _is_server(pid: int, files: StateFiles) -> bool:
    """Tell whether a process is a server on our file, not some other with its number."""
    done = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)],  # noqa: S607 - wherever the system has it
        capture_output=True,
        check=False,
    )
    return os.fsencode(files.database) in done.stdout


def _die_with_parent() -> None:
    """Let the kernel end the server when its supervisor is killed (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _raise_stopped(*_: object) -> None:
    raise Stopped


def main(argv: list[str]) -> int:
    """Run as a process of its own."""
    directory, binary, idle_s, ui = argv
    os.umask(0o077)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _raise_stopped)
    return supervise(StateFiles(Path(directory)), binary, float(idle_s), ui=ui == "ui")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
