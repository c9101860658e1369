"""Processes of a test: forked children, perhaps as another user, and strangers."""

import os
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

DEADLINE_S = 120.0
INTERVAL_S = 0.005

NOBODY = 65534
"""A user without rights, for tests that root would pass by accident."""


def run_in_child(act: Callable[[], bool], *, uid: int | None = None) -> bool:
    """Fork, call the function there and give what it said; False if it raised or died."""
    return wait_for(start_child(act, uid=uid))


def start_child(act: Callable[[], bool], *, uid: int | None = None) -> int:
    """Fork and call the function in the child, which exits with 0 if it gave True."""
    with warnings.catch_warnings():
        # From 3.12 on Python warns of a fork beside threads, which is what some tests are about.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child
    code = 1
    try:
        if uid is not None:
            os.setuid(uid)
        code = 0 if act() else 2
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(code)


def wait_for(child: int) -> bool:
    """Wait for a child, which is killed if it takes too long; True if it exited with 0."""
    give_up = time.monotonic() + DEADLINE_S
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > give_up:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise TimeoutError(f"child {child} did not end within {DEADLINE_S:.0f} s")
        time.sleep(INTERVAL_S)
    return os.waitstatus_to_exitcode(ended[1]) == 0


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be reaped does not.

    A process that is being killed holds its ports and locks until the last of its threads has
    ended, while the first is a zombie already.
    """
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
    except psutil.NoSuchProcess:
        return False


@contextmanager
def running_stranger() -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process that has nothing to do with Forge until the block ends."""
    with subprocess.Popen(["sleep", "600"]) as process:
        try:
            yield process
        finally:
            process.kill()
