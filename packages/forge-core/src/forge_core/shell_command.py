"""Running a command that nobody vouches for, with a limit on time and output."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

POLL_INTERVAL_S = 0.05
"""Seconds between two looks at a running command."""

OUTPUT_LIMIT = 200_000
"""Bytes of output that are kept, half from the beginning and half from the end."""

PASSED_ON = frozenset(
    {
        "COLORTERM", "CONDA_PREFIX", "HOME", "HOSTNAME", "JAVA_HOME", "LANG", "LANGUAGE",
        "LD_LIBRARY_PATH", "LOGNAME", "NODE_PATH", "PATH", "PWD", "PYENV_ROOT", "PYENV_VERSION",
        "PYTHONPATH", "SHELL", "SSL_CERT_DIR", "SSL_CERT_FILE", "TEMP", "TERM", "TMP", "TMPDIR",
        "TZ", "USER", "VIRTUAL_ENV",
    }
)  # fmt: skip
"""Variables that a command gets, besides `LC_*` and `XDG_*`; never a key or token."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended."""

    returncode: int | None
    """None where it was killed at its time limit."""
    output: str
    """Standard output and error together."""
    truncated: bool
    """Whether a part of the output is missing from the middle."""
    duration_ms: float

    @property
    def timed_out(self) -> bool:
        """Whether the command was killed at its time limit."""
        return self.returncode is None


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Keep the variables that tests plausibly need and that hold no secret."""
    return {
        name: value
        for name, value in environ.items()
        if name in PASSED_ON or name.startswith(("LC_", "XDG_"))
    }


def run_command(
    argv: Sequence[str],
    *,
    cwd: Path,
    timeout_s: float,
    on_wait: Callable[[], None] | None = None,
) -> CommandResult:
    """Run a command in a session of its own, of which nothing survives.

    Args:
        argv: The command and its arguments.
        cwd: Where it runs.
        timeout_s: Seconds after which it is killed with all its children.
        on_wait: Called while the command runs; what it raises kills the command too.

    Raises:
        FileNotFoundError: There is no such command.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=clean_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            returncode = _wait(process, started + timeout_s, on_wait)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        text, truncated = _read_output(output)
    return CommandResult(returncode, text, truncated, (time.monotonic() - started) * 1000)


def _wait(
    process: subprocess.Popen[bytes], deadline: float, on_wait: Callable[[], None] | None
) -> int | None:
    while time.monotonic() < deadline:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(POLL_INTERVAL_S)
        if on_wait is not None:
            on_wait()
    return None


def _read_output(output: IO[bytes]) -> tuple[str, bool]:
    size = output.seek(0, os.SEEK_END)
    output.seek(0)
    if size <= OUTPUT_LIMIT:
        return output.read().decode("utf-8", "backslashreplace"), False
    head = output.read(OUTPUT_LIMIT // 2)
    output.seek(size - OUTPUT_LIMIT // 2)
    tail = output.read()
    missing = f"\n… {size - OUTPUT_LIMIT} bytes left out …\n".encode()
    return (head + missing + tail).decode("utf-8", "backslashreplace"), True
