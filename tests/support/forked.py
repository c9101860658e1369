"""Starting commands by forking a process that has imported Forge already.

A command spends a second of processor time on imports, and the tests run hundreds of them.
Arguments, environment, directory, streams, signals and exit code of what is forked are its own;
what Python itself reads from the environment at its start is not. Who asks for another clock
gets a process of its own to fork from, which has that clock.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO

from support import template

DEADLINE_S = 120.0
"""Seconds that a command may take to its end, unless a test says otherwise."""

READ_BY_THE_LINKER = ("LD_PRELOAD", "CLOCK_FILE")
"""Variables that mean something only where a process already has them when it starts."""

NO_SEAMS: Mapping[str, float] = MappingProxyType({})


class ForgeProcess:
    """A command that runs; what it offers is meant as in `subprocess.Popen`.

    Args:
        args: Its arguments.
        env: Its environment.
        cwd: Its directory.
        ignored: Signals that whoever starts it has ignored.
        seams: Constants of modules, by their dotted names, that have another value in it.
    """

    def __init__(
        self,
        args: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        ignored: Sequence[int] = (),
        seams: Mapping[str, float] = NO_SEAMS,
    ) -> None:
        self.args = args
        self.returncode: int | None = None
        out, stdout = os.pipe()
        err, stderr = os.pipe()
        self._answers, answers = socket.socketpair()
        self.stdout, self.stderr = _reader(out), _reader(err)
        with tempfile.TemporaryFile() as request, open(os.devnull, "rb") as stdin:  # noqa: PTH123
            asked = {
                "args": args,
                "env": {**env},
                "cwd": str(cwd),
                "ignored": [*ignored],
                "seams": {**seams},
            }
            request.write(json.dumps(asked).encode())
            request.seek(0)
            given = [request.fileno(), answers.fileno(), stdin.fileno(), stdout, stderr]
            socket.send_fds(_get_template(*_read_by_the_linker(env)).control, [b"."], given)
        for descriptor in (stdout, stderr, answers.detach()):
            os.close(descriptor)
        self.pid = self._hear()

    def poll(self) -> int | None:
        """Tell how it ended; None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float = DEADLINE_S) -> int:
        """Wait until it has ended, and tell how."""
        if self.returncode is None:
            self._answers.settimeout(timeout)
            try:
                self.returncode = self._hear()
            except (TimeoutError, BlockingIOError) as error:
                raise subprocess.TimeoutExpired(self.args, timeout) from error
        return self.returncode

    def communicate(self, timeout: float = DEADLINE_S) -> tuple[str, str]:
        """Read all that it still prints, until nobody has its streams, and wait for its end."""
        printed = {"stdout": "", "stderr": ""}

        def read(name: str, stream: IO[str]) -> None:
            printed[name] = stream.read()

        readers = [
            threading.Thread(target=read, args=("stdout", self.stdout), daemon=True),
            threading.Thread(target=read, args=("stderr", self.stderr), daemon=True),
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(timeout)
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout)
        self.wait(timeout)
        return printed["stdout"], printed["stderr"]

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """End it, whatever it does, and forget what it printed."""
        self.kill()
        self.wait()
        for stream in (self.stdout, self.stderr, self._answers):
            stream.close()

    def _hear(self) -> int:
        said = self._answers.recv(4)
        assert len(said) == 4, "the template process has died"
        return int.from_bytes(said, "big", signed=True)


@dataclass(frozen=True, slots=True)
class _Template:
    process: "subprocess.Popen[bytes]"
    control: socket.socket


_templates: dict[tuple[str, ...], _Template] = {}


def _read_by_the_linker(env: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}={env[name]}" for name in READ_BY_THE_LINKER if name in env)


def _get_template(*assignments: str) -> _Template:
    if assignments not in _templates:
        _templates[assignments] = _start_template(dict(one.split("=", 1) for one in assignments))
    return _templates[assignments]


def _start_template(environment: Mapping[str, str]) -> _Template:
    control, served = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with served:
        process = subprocess.Popen(
            [sys.executable, "-P", template.__file__, str(served.fileno())],
            stdin=subprocess.DEVNULL,
            cwd="/",
            env={**os.environ, **environment},
            pass_fds=[served.fileno()],
        )
    return _Template(process, control)


def end_templates() -> None:
    """End the processes that commands are forked from."""
    while _templates:
        _, found = _templates.popitem()
        found.control.close()
        found.process.kill()
        found.process.wait()


def _reader(descriptor: int) -> IO[str]:
    return os.fdopen(descriptor, encoding="utf-8", errors="surrogateescape")
