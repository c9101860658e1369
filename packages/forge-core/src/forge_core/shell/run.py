"""Running a command that nobody vouches for."""

import os
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from forge_core.shell.bounds import CommandBounds, CommandResult
from forge_core.shell.output import CappedOutput
from forge_core.shell.process import Order, start_command

POLL_INTERVAL_S = 0.1
"""Seconds between two looks at a running command."""

CHUNK_BYTES = 65_536
"""What is read at once."""

LAST_CHUNKS = 16
"""What is read after the end, more than a pipe holds; an escaped process may go on printing."""


def run_command(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    bounds: CommandBounds,
    on_wait: Callable[[], None] | None = None,
) -> CommandResult:
    """Run a command in a session of its own and kill what it leaves behind.

    It is killed at its time limit, when it goes over a limit and when `on_wait` raises. With limits
    it also dies with this process, and on Linux a process that made a session of its own is killed
    with it.

    Args:
        argv: The command and its arguments.
        cwd: Where it runs.
        env: Its whole environment.
        bounds: What it may take.
        on_wait: Called about every `POLL_INTERVAL_S`; what it raises ends the command.

    Raises:
        OSError: The command cannot be started.
    """
    started = time.monotonic()
    output = CappedOutput(bounds.output_limit)
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0):
        with os.fdopen(writer, "wb") as far_end:
            command = start_command(Order(argv, cwd, env, far_end.fileno()), bounds.limits)
        os.set_blocking(reader, False)
        try:
            deadline = started + bounds.timeout_s
            in_time = _follow(command.process, reader, output, deadline, on_wait)
        finally:
            command.end()
        for _ in range(LAST_CHUNKS):
            if not _read(reader, output):
                break
    returncode, exceeded = command.outcome() if in_time else (None, None)
    duration_ms = (time.monotonic() - started) * 1000
    return CommandResult(returncode, output.text(), output.missing > 0, duration_ms, exceeded)


def _follow(
    process: subprocess.Popen[bytes],
    pipe: int,
    output: CappedOutput,
    deadline: float,
    on_wait: Callable[[], None] | None,
) -> bool:
    """Read along until the command has ended; False where its time was over before."""
    printing = True
    looked = 0.0
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while process.poll() is None:
            now = time.monotonic()
            if now >= deadline:
                return False
            if on_wait is not None and now - looked >= POLL_INTERVAL_S:
                on_wait()
                looked = now
            wait = min(POLL_INTERVAL_S, deadline - now)
            if not printing:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(wait)
            elif selector.select(wait):
                printing = _read(pipe, output) != b""
    return True


def _read(pipe: int, output: CappedOutput) -> bytes | None:
    """Read what is there: nothing yet (None), or nothing any more (empty)."""
    try:
        chunk = os.read(pipe, CHUNK_BYTES)
    except BlockingIOError:
        return None
    output.add(chunk)
    return chunk
