"""Run a function in a forked child, perhaps as another user."""

import os
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

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
    """Wait for a child; True if it exited with 0."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def has_ended(pid: int) -> bool:
    """Tell whether a process has ended; one that nobody reaps counts as ended."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return True
    return state == "Z"
