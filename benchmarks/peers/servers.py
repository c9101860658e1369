"""Servers of peers, on this machine only, and what a request costs them."""

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import psutil

HOST = "127.0.0.1"
READY_S = 180.0
ANSWER_S = 600.0


@dataclass(frozen=True)
class Server:
    """A server that listens."""

    port: int
    process: psutil.Process

    def request(self, path: str, document: object = None) -> tuple[int, Any]:
        """Send a request; gives its status and the JSON that comes back.

        Args:
            path: With the query.
            document: To be posted, if any.
        """
        with closing(HTTPConnection(HOST, self.port, timeout=ANSWER_S)) as connection:
            if document is None:
                connection.request("GET", path)
            else:
                headers = {"Content-Type": "application/json"}
                connection.request("POST", path, json.dumps(document), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def read_cpu_s(self) -> float:
        """Return the processor time that it has taken so far, in seconds."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def serving(
    command: Sequence[str], port: int, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run a server until it is no longer needed.

    Args:
        command: What runs it.
        port: Where it will listen.
        environment: What it needs besides the variables of this process.

    Raises:
        RuntimeError: It ended, or does not listen in time.
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            if not _listens(process, port):
                log.seek(0)
                raise RuntimeError(log.read().decode(errors="replace")[-2_000:])
            yield Server(port, psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait(60)


def find_port() -> int:
    """Find a port that is free now."""
    with closing(socket.create_server((HOST, 0))) as listener:
        return int(listener.getsockname()[1])


def _listens(process: "subprocess.Popen[bytes]", port: int) -> bool:
    give_up = time.monotonic() + READY_S
    while time.monotonic() < give_up and process.poll() is None:
        with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return True
        time.sleep(0.1)
    return False
