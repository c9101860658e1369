"""The process of a command: started, and ended with all that it started."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from forge_core.locks.worktree_lock import inherited_locks
from forge_core.shell import reaper
from forge_core.shell.bounds import ResourceLimits
from forge_core.shell.marked_processes import kill_marked, make_mark

END_DEADLINE_S = reaper.KILL_DEADLINE_S + 5.0
"""Seconds that a reaper gets to end what is below it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be started."""

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    output: int
    """Descriptor for standard output and error."""


class Command(Protocol):
    """A command that was started."""

    process: subprocess.Popen[bytes]

    def end(self) -> None:
        """Kill what is left of it; may be called when it has ended by itself, too."""

    def outcome(self) -> tuple[int | None, str | None]:
        """Return its exit code and the limit it went over, once it has ended.

        Raises:
            OSError: It could not be started.
        """


def start_command(order: Order, limits: ResourceLimits | None) -> Command:
    """Start a command, below a reaper if it has limits.

    Raises:
        OSError: It cannot be started.
    """
    return TrustedCommand(order) if limits is None else BoundedCommand(order, limits)


class TrustedCommand:
    """A command that leaves its process group behind at worst."""

    def __init__(self, order: Order) -> None:
        self.process = subprocess.Popen(
            order.argv,
            cwd=order.cwd,
            env=order.env,
            stdin=subprocess.DEVNULL,
            stdout=order.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=inherited_locks(),
        )

    def end(self) -> None:
        """Kill its process group."""
        _kill_group(self.process)

    def outcome(self) -> tuple[int | None, str | None]:
        """Return its exit code."""
        return self.process.returncode, None


class BoundedCommand:
    """A command below a reaper, which dies with it when its input is closed."""

    def __init__(self, order: Order, limits: ResourceLimits) -> None:
        self._limits = limits
        self._mark = make_mark()
        self._report: dict[str, Any] | None = None
        status, far_status = os.pipe()
        far_input, near_input = os.pipe()
        self._status, self._input = os.fdopen(status), os.fdopen(near_input, "wb", buffering=0)
        with os.fdopen(far_status), os.fdopen(far_input):
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", reaper.__file__, str(far_status)],
                env={},
                stdin=far_input,
                stdout=order.output,
                stderr=subprocess.STDOUT,
                pass_fds=[far_status, *inherited_locks()],
                start_new_session=True,
            )
        self._send(order)

    def end(self) -> None:
        """Let the reaper and its guard kill everything; what survives both is looked for."""
        self._input.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(END_DEADLINE_S)
        with self._status:
            self._report = self._read_report()
        if self._report is None or self.process.returncode != 0:
            kill_marked(self._mark, END_DEADLINE_S)
        _kill_group(self.process)

    def _read_report(self) -> dict[str, Any] | None:
        """Read what came of the command; None where neither reaper nor guard lives to say so."""
        text = ""
        while select.select([self._status], [], [], END_DEADLINE_S)[0]:
            part = os.read(self._status.fileno(), 4096).decode()
            if not part:
                break
            text += part
        report: dict[str, Any] | None = json.loads(text or "null")
        return report

    def outcome(self) -> tuple[int | None, str | None]:
        """Return what the reaper says, or how it or its guard was killed."""
        report = self._report or {}
        if "errno" in report:
            raise OSError(report["errno"], report["strerror"], report["filename"])
        if exceeded := report.get("exceeded"):
            return None, self._limits.describe(exceeded)
        returncode: int | None = self.process.returncode or report.get("returncode")
        return returncode, None

    def _send(self, order: Order) -> None:
        """Send the reaper what to start; its input stays open for as long as we live."""
        text = json.dumps(
            {
                "argv": list(order.argv),
                "cwd": str(order.cwd),
                "env": dict(order.env),
                "mark": self._mark,
                "limits": asdict(self._limits),
            }
        )
        with suppress(BrokenPipeError):
            self._input.write(text.encode() + b"\n")


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # macOS answers EPERM for a group that has ended already.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
