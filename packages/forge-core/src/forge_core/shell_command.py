"""Running a command that nobody vouches for, with a limit on time and output."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

POLL_INTERVAL_S = 0.1
"""Seconds between two looks at a running command."""

OUTPUT_LIMIT = 200_000
"""Bytes of output that are kept: a quarter from the beginning, the rest from the end."""

CHUNK_BYTES = 65_536
"""What is read at once."""

LAST_CHUNKS = 16
"""What is read after the end, more than a pipe holds; an escaped process may go on printing."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended."""

    returncode: int | None
    """Negative for a signal; None where the command was killed at its time limit."""
    output: str
    """Standard output and error together, undecodable bytes as escapes."""
    truncated: bool
    """Whether a part of the output is missing from the middle."""
    duration_ms: float

    @property
    def timed_out(self) -> bool:
        """Whether the command was killed at its time limit."""
        return self.returncode is None


class CappedOutput:
    """The beginning and the end of a stream, however long it is."""

    def __init__(self, limit: int) -> None:
        """Keep at most `limit` bytes."""
        self._head_limit = limit // 4
        self._tail_limit = limit - self._head_limit
        self._head = bytearray()
        self._tail = bytearray()
        self.missing = 0
        """Bytes left out of the middle."""

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        room = self._head_limit - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        surplus = len(self._tail) - self._tail_limit
        if surplus > 0:
            del self._tail[:surplus]
            self.missing += surplus

    def text(self) -> str:
        """Return what was kept; a line in the middle says what is missing."""
        gap = f"\n… {self.missing} bytes left out …\n".encode() if self.missing else b""
        return (self._head + gap + self._tail).decode("utf-8", "backslashreplace")


def run_command(
    argv: Sequence[str],
    *,
    cwd: Path,
    timeout_s: float,
    env: Mapping[str, str],
    on_wait: Callable[[], None] | None = None,
    output_limit: int = OUTPUT_LIMIT,
) -> CommandResult:
    """Run a command in a session of its own and kill what it leaves behind.

    Its process group is killed when it ends, at the time limit and when `on_wait` raises. Only a
    process that made a session of its own outlives that.

    Args:
        argv: The command and its arguments.
        cwd: Where it runs.
        timeout_s: Seconds after which it is killed.
        env: Its whole environment.
        on_wait: Called about every `POLL_INTERVAL_S`; what it raises ends the command.
        output_limit: Bytes of output to keep.

    Raises:
        OSError: The command cannot be started.
    """
    started = time.monotonic()
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0):
        with os.fdopen(writer, "wb") as far_end:
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=far_end,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        os.set_blocking(reader, False)
        output = CappedOutput(output_limit)
        try:
            returncode = _follow(process, reader, output, started + timeout_s, on_wait)
        finally:
            _kill_group(process)
        for _ in range(LAST_CHUNKS):
            if not _read(reader, output):
                break
    duration_ms = (time.monotonic() - started) * 1000
    return CommandResult(returncode, output.text(), output.missing > 0, duration_ms)


def _follow(
    process: subprocess.Popen[bytes],
    pipe: int,
    output: CappedOutput,
    deadline: float,
    on_wait: Callable[[], None] | None,
) -> int | None:
    """Read along until the command has ended; None where its time was over before."""
    printing = True
    looked = 0.0
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while process.poll() is None:
            now = time.monotonic()
            if now >= deadline:
                return None
            if on_wait is not None and now - looked >= POLL_INTERVAL_S:
                on_wait()
                looked = now
            wait = min(POLL_INTERVAL_S, deadline - now)
            if not printing:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(wait)
            elif selector.select(wait):
                printing = _read(pipe, output) != b""
    return process.returncode


def _read(pipe: int, output: CappedOutput) -> bytes | None:
    """Read what is there: nothing yet (None), or nothing any more (empty)."""
    try:
        chunk = os.read(pipe, CHUNK_BYTES)
    except BlockingIOError:
        return None
    output.add(chunk)
    return chunk


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # macOS answers EPERM for a group that has ended already.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
