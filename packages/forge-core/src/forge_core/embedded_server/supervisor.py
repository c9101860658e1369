"""The supervisor: owns the embedded server's process and ends it when nobody needs it.

``python -m forge_core.embedded_server.supervisor --help`` shows how `start` calls it.
The command returns as soon as the server listens and leaves the supervisor behind, detached. It
imports nothing of Temporal, so that it starts at once and stays small.

Two servers on one database would ruin it. The supervisor locks `server.lock` and hands the open
file on to the server: the kernel keeps the lock until both are gone, however they end.

See D55.
"""

import argparse
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import psutil

from forge_core.embedded_server.launch import (
    IDLE_S,
    LOOPBACK,
    Ports,
    ServerRecord,
    build_command,
    dump_ports,
    dump_record,
    parse_ports,
    parse_record,
    server_environment,
)
from forge_core.embedded_server.settings import START_TIMEOUT_S, ServerSettings
from forge_core.locks.held_file import held_file, try_lock
from forge_core.state_dir.files import StateFiles

POLL_INTERVAL_S = 0.1
"""Seconds between two looks at the leases."""

STOP_TIMEOUT_S = 10.0
"""Seconds that a server gets to end by itself."""

LOCK_SHARE = 0.5
"""Part of the time for a start that goes to a lock: who waits for us is to hear who holds it."""

LOG_LIMIT_BYTES = 5_000_000
"""Size from which on the log is set aside; the one before is dropped."""

PR_SET_PDEATHSIG = 1
"""Linux: the signal that a process gets when its parent dies, see prctl(2)."""


class StartFailed(Exception):
    """The server did not listen in time, or ended; then the message is left to the server."""


class StopRequest:
    """Notes that a signal asked the process to end."""

    def __init__(self) -> None:
        self.made = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, *_: object) -> None:
        self.made = True


def supervise(settings: ServerSettings, binary: str, announce: Callable[[], None]) -> None:
    """Run one server until no lease is held for long enough or a signal says so.

    Returns at once if another supervisor runs.

    Args:
        settings: How to run the server.
        binary: The Temporal command.
        announce: Called when the server listens and its record stands.

    Raises:
        StartFailed: The server ended, or did not listen in time.
    """
    stop, files = StopRequest(), settings.files
    with files.server_lock.open("a") as lock, files.leases.open("a") as leases:
        if not _take_over(files, lock, settings.start_timeout_s):
            announce()
            return
        server, ports = _start(
            settings, binary, lock.fileno(), lambda: _is_leased(leases) and not stop.made
        )
        try:
            record = _describe(server, ports, settings.idle_s)
            with held_file(files.record, dump_record(record)):
                announce()
                _watch(files, server, leases, settings.idle_s, stop)
        finally:
            _stop(server)


def _take_over(files: StateFiles, lock: IO[str], timeout_s: float) -> bool:
    """Wait for the lock, ending an orphaned server; False if a living supervisor holds it."""
    begun = time.monotonic()
    while not try_lock(lock):
        waited_s = time.monotonic() - begun
        if waited_s > timeout_s * LOCK_SHARE:
            raise StartFailed(
                f"a server that nobody looks after holds {files.server_lock}: end the process, "
                f"`fuser {files.server_lock}` names it"
            )
        with suppress(FileNotFoundError), files.record.open() as record:
            if not try_lock(record, fcntl.LOCK_SH):
                return False
            _end_orphan(record.read(), gently=waited_s < STOP_TIMEOUT_S)
        time.sleep(POLL_INTERVAL_S)
    files.record.unlink(missing_ok=True)
    return True


def _end_orphan(record: str, *, gently: bool) -> None:
    """End the server of a killed supervisor: it still holds the lock, so its group is its own."""
    orphan = parse_record(record)
    if orphan is not None:
        _signal_group(orphan.server_pid, signal.SIGTERM if gently else signal.SIGKILL)


def _start(
    settings: ServerSettings, binary: str, lock: int, is_wanted: Callable[[], bool]
) -> tuple[subprocess.Popen[bytes], Ports]:
    """Start the server and wait until it listens."""
    files = settings.files
    with ExitStack() as held:
        ports = _hold_ports(held, _read_ports(files), ui=settings.ui)
        server = _spawn(build_command(files, binary, ports), files.directory, lock)
        if _listens(server, ports.grpc, settings.start_timeout_s, is_wanted):
            _write_ports(files, ports)
            return server, ports
    has_ended = server.poll() is not None
    _stop(server)
    raise StartFailed("" if has_ended else "it did not listen in time")


def _spawn(command: Sequence[str], cwd: Path, lock: int) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own, for it may be a script that starts more."""
    parent = os.getpid()
    libc = ctypes.CDLL(None)

    def die_with_parent() -> None:
        """Have Linux end the child with the supervisor; elsewhere `_end_orphan` does it later."""
        if sys.platform == "linux":
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        cwd=cwd,
        env=server_environment(os.environ),
        pass_fds=(lock,),
        process_group=0,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - this process has one thread
    )


def _listens(
    server: subprocess.Popen[bytes], port: int, timeout_s: float, is_wanted: Callable[[], bool]
) -> bool:
    """Wait until the server itself listens on a port, or will not; a stranger's does not count."""
    deadline = time.monotonic() + timeout_s
    while server.poll() is None and is_wanted() and time.monotonic() < deadline:
        if port in _listening_ports(server.pid):
            return True
        time.sleep(POLL_INTERVAL_S / 5)
    return False


def _listening_ports(pid: int) -> set[int]:
    """List the TCP ports on which a process or one below it listens.

    The command may be a script that starts the server.
    """
    ports: set[int] = set()
    with suppress(psutil.Error):
        command = psutil.Process(pid)
        for process in (command, *command.children(recursive=True)):
            with suppress(psutil.Error):
                ports.update(
                    connection.laddr.port
                    for connection in process.net_connections("tcp")
                    if connection.status == psutil.CONN_LISTEN
                )
    return ports


def _describe(server: subprocess.Popen[bytes], ports: Ports, idle_s: float) -> ServerRecord:
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return ServerRecord(os.getpid(), server.pid, ports.grpc, ports.ui, started_at, idle_s)


def _watch(
    files: StateFiles,
    server: subprocess.Popen[bytes],
    leases: IO[str],
    idle_s: float,
    stop: StopRequest,
) -> None:
    """Return when the server has ended, we shall, or nobody held a lease for long enough.

    The last look keeps the leases locked: who comes now waits until we are gone and starts anew.
    """
    last_used = time.monotonic()
    while server.poll() is None and not stop.made:
        time.sleep(POLL_INTERVAL_S)
        _bound_log(files)
        if not try_lock(leases):
            last_used = time.monotonic()
        elif time.monotonic() - last_used >= idle_s:
            return
        else:
            fcntl.flock(leases, fcntl.LOCK_UN)


def _bound_log(files: StateFiles) -> None:
    """Set the log aside once it is large; the server goes on appending to the same file."""
    with suppress(OSError):
        if files.log.stat().st_size > LOG_LIMIT_BYTES:
            shutil.copyfile(files.log, files.previous_log)
            os.truncate(files.log, 0)


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End a server with all of its process group, whether the server itself has ended or not."""
    _signal_group(server.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while server.poll() is None or _signal_group(server.pid, 0):
        if time.monotonic() > deadline:
            _signal_group(server.pid, signal.SIGKILL)
            break
        time.sleep(POLL_INTERVAL_S / 5)
    server.wait()


def _signal_group(leader: int, number: int) -> bool:
    """Send a signal to a process group, 0 only asks; False where there is none."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):  # macOS: not permitted where all are zombies
        return False
    return True


def _is_leased(leases: IO[str]) -> bool:
    if not try_lock(leases):
        return True
    fcntl.flock(leases, fcntl.LOCK_UN)
    return False


def _hold_ports(held: ExitStack, preferred: Ports | None, *, ui: bool) -> Ports:
    """Take free ports, those that are preferred if they are free, so that none comes twice.

    Who was connected to the server before finds it again on the same port. A socket that is bound
    and does not listen keeps Linux from giving its port to others, not the server from listening
    there; elsewhere it would be in the server's way, and the ports are let go again at once.
    """
    first = preferred or Ports(0, 0, 0, None)
    grpc, http, metrics, web = (
        _bind(held, port or 0) for port in (first.grpc, first.http, first.metrics, first.ui)
    )
    if sys.platform != "linux":
        held.close()
    return Ports(grpc, http, metrics, web if ui else None)


def _bind(held: ExitStack, preferred: int) -> int:
    holder = held.enter_context(socket.socket())
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((LOOPBACK, preferred))
    except (OSError, OverflowError):
        holder.bind((LOOPBACK, 0))
    port: int = holder.getsockname()[1]
    return port


def _read_ports(files: StateFiles) -> Ports | None:
    try:
        return parse_ports(files.ports.read_text(errors="replace"))
    except OSError:
        return None


def _write_ports(files: StateFiles, ports: Ports) -> None:
    """Remember the ports; without, the next start merely takes others."""
    with suppress(OSError):
        files.ports.write_text(dump_ports(ports))


def _detach() -> Callable[[], None]:
    """Go on in a child process; the parent ends when the child announces itself or dies."""
    heard, told = os.pipe()
    if os.fork():
        os.close(told)
        os._exit(0 if os.read(heard, 1) else 1)
    os.close(heard)

    def announce() -> None:
        """Tell the process that waits that the server is up."""
        with suppress(BrokenPipeError):
            os.write(told, b"+")

    return announce


def _parse_arguments(words: Sequence[str]) -> tuple[ServerSettings, str]:
    parser = argparse.ArgumentParser(prog="forge_core.embedded_server.supervisor")
    parser.add_argument("directory", type=Path)
    parser.add_argument("binary")
    parser.add_argument("--idle-s", type=float, default=IDLE_S)
    parser.add_argument("--start-timeout-s", type=float, default=START_TIMEOUT_S)
    parser.add_argument("--ui", action="store_true")
    given = parser.parse_args(words)
    settings = ServerSettings(given.directory, given.idle_s, given.ui, given.start_timeout_s)
    return settings, given.binary


def main(words: Sequence[str]) -> int:
    """Run as a process of its own."""
    settings, binary = _parse_arguments(words)
    os.umask(0o077)
    try:
        supervise(settings, binary, _detach())
    except StartFailed as failure:
        sys.stderr.write(f"{failure}\n".lstrip())
        return 1
    except OSError as error:
        sys.stderr.write(f"Error: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
