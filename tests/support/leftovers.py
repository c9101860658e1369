"""What tests leave running behind them: a session must not end before it has ended."""

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.forked import end_templates

GRACE_S = 10.0
"""Seconds that what was told to end has to do so."""

INTERVAL_S = 0.1

_EXIT_STATUS = pytest.StashKey[int]()


@dataclass(frozen=True, slots=True)
class Leftover:
    """A process that a test started."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"process {self.pid}: {self.command}"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember how the session ended."""
    session.config.stash[_EXIT_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End the process also where a thread that was left behind would keep it for ever."""
    if find_threads():
        sys.stdout.flush()
        os._exit(config.stash.get(_EXIT_STATUS, int(pytest.ExitCode.INTERNAL_ERROR)))


@pytest.fixture(scope="session", autouse=True)
def nothing_outlives_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail, and end them, where processes or threads of tests still run after the last test."""
    base = tmp_path_factory.getbasetemp()
    yield
    end_templates()
    gc.collect()  # a pool of threads that nobody has any more ends with that
    deadline = time.monotonic() + GRACE_S
    while (left := [*find_processes(base), *find_threads()]) and time.monotonic() < deadline:
        time.sleep(INTERVAL_S)
    for process in find_processes(base):
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    if left:
        told = "\n".join(f"  {one}" for one in left)
        pytest.fail(f"tests have left behind:\n{told}", pytrace=False)


def find_processes(base: Path) -> list[Leftover]:
    """Find the processes that this one started, or that are at work in a directory of its tests.

    Args:
        base: The directory of the tests; whoever has it in its environment (as `HOME`), in its
            command line or as its directory was started by a test. Nobody where there is no
            `/proc`.
    """
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if command and int(entry.name) != os.getpid() and _is_ours(entry, base):
                words = command.decode(errors="replace").split("\0")
                found.append(Leftover(int(entry.name), " ".join(words).strip()))
    return found


def _is_ours(entry: Path, base: Path) -> bool:
    parent = int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    told = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
    at = (entry / "cwd").readlink()
    return parent == os.getpid() or os.fsencode(base) in told or at.is_relative_to(base)


def find_threads() -> list[threading.Thread]:
    """Find the threads that keep the interpreter from ending."""
    return [
        thread
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon
    ]
