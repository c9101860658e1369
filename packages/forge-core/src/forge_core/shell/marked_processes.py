"""Processes of a command that has killed everything above it, found by a mark.

The mark is a limit that bounds nothing, the time of a real-time process, set to a number of its
own. Whatever a process starts inherits it, in a session of its own, with an empty environment and
without open files alike. Finding it costs a look at every process of the machine, and there has to
be a ``/proc``: it is the last resort.
"""

import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

LEAST_MARK = 2**62
"""Microseconds, some 146,000 years."""

INTERVAL_S = 0.05


def make_mark() -> int:
    """Choose a mark that no other command has."""
    return LEAST_MARK + secrets.randbelow(LEAST_MARK)


def kill_marked(mark: int, deadline_s: float) -> None:
    """Kill the processes with a mark until there is none, or not for longer than that."""
    deadline = time.monotonic() + deadline_s
    while pids := list(_find_marked(str(mark))):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return
        time.sleep(INTERVAL_S)


def _find_marked(mark: str) -> Iterator[int]:
    for directory in Path("/proc").glob("[1-9]*"):
        with suppress(OSError):  # it may have ended meanwhile
            if mark in (directory / "limits").read_text() and not _has_ended(directory):
                yield int(directory.name)


def _has_ended(directory: Path) -> bool:
    """Return whether a process only waits to be collected."""
    state = (directory / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    return state in {"Z", "X"}
