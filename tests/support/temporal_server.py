"""A real Temporal dev server for tests, in memory and on loopback."""

import http.client
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from forge_core.embedded_server.start import find_temporal_binary

SETTINGS = ("history.transferProcessorMaxPollRPS=10000",)
START_TIMEOUT_S = 60.0
POLL_INTERVAL_S = 0.05
PORT_TRIES = 5
PORT_TAKEN = "address already in use"

DIE_WITH_PARENT = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Becomes the command; a killed test run takes the server with it."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a server listens on loopback."""

    grpc: str
    http: str


@contextmanager
def running_server(directory: Path) -> Iterator[str]:
    """Give the gRPC address of a server of its own, which is killed when the block ends."""
    with running_endpoints(directory) as endpoints:
        yield endpoints.grpc


@contextmanager
def running_endpoints(directory: Path) -> Iterator[Endpoints]:
    """Give all addresses of a server of its own, which is killed when the block ends.

    Args:
        directory: Where its log goes; must exist.

    Raises:
        RuntimeError: It did not become healthy in time; the message holds its log.
    """
    server = _start_server(directory)
    try:
        yield server.endpoints
    finally:
        server.kill()


@contextmanager
def killable_server(directory: Path) -> Iterator["KillableServer"]:
    """Give a running server that keeps its state in a file and may be killed and started again."""
    server = _start_server(directory, "--db-filename", "temporal.db")
    try:
        yield server
    finally:
        server.kill()


class KillableServer:
    """A server with fixed ports.

    Args:
        directory: Where it runs and its log goes; must exist.
        ports: Of gRPC, HTTP and the metrics.
        options: Further words of its command line.
    """

    def __init__(self, directory: Path, ports: Sequence[int], options: Sequence[str] = ()) -> None:
        self._directory = directory
        self._http_port = ports[1]
        self._words = [sys.executable, "-c", DIE_WITH_PARENT, *_command(*ports), *options]
        self.endpoints = Endpoints(f"127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}")

    def start(self) -> None:
        """Start it and wait until it is healthy."""
        log_file = self._directory / "temporal-server.log"
        with log_file.open("wb") as log:
            self._server = subprocess.Popen(
                self._words,
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={"PATH": os.defpath, "HOME": str(self._directory)},
            )
        try:
            _wait_until_healthy(self._server, self._http_port, log_file)
        except RuntimeError:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._server.pid

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._server.kill()
        self._server.wait()


def unique_queue() -> str:
    """Return the name of a task queue that no other test uses."""
    return f"test-{uuid.uuid4().hex}"


def _start_server(directory: Path, *options: str) -> KillableServer:
    """Start a server on free ports, on others where somebody took one in between."""
    for tries_left in reversed(range(PORT_TRIES)):
        server = KillableServer(directory, _free_ports(3), options)
        try:
            server.start()
        except RuntimeError as error:
            if not tries_left or PORT_TAKEN not in str(error):
                raise
        else:
            break
    return server


def _command(port: int, http_port: int, metrics_port: int) -> list[str]:
    return [
        find_temporal_binary(), "server", "start-dev", "--headless",
        "--ip", "127.0.0.1",
        "--port", str(port),
        "--http-port", str(http_port),
        "--metrics-port", str(metrics_port),
        "--log-level", "error",
        *(word for setting in SETTINGS for word in ("--dynamic-config-value", setting)),
    ]  # fmt: skip


def _free_ports(count: int) -> list[int]:
    with ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in sockets]


def _wait_until_healthy(server: subprocess.Popen[bytes], http_port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not _knows_default_namespace(http_port):
        if server.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace")
            raise RuntimeError(f"the Temporal dev server did not become healthy:\n{said}")
        time.sleep(POLL_INTERVAL_S)


def _knows_default_namespace(http_port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", http_port, timeout=5)
    try:
        connection.request("GET", "/api/v1/namespaces/default")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
