"""A pager for long output on a terminal, as git has one."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

NO_PAGER = "cat"
"""Pager that is none."""

DEFAULT_PAGER = "less"

LESS = "FRX"
"""Options of `less` where LESS is not set: leave at once what fits, keep colours and the screen."""


@contextmanager
def paged() -> Iterator[None]:
    """Let what is printed on a terminal go through the user's pager.

    The pager is FORGE_PAGER, else PAGER, else `less`; empty or `cat` means none. Leaving it early
    is no error. A pager that cannot be started is none. At Ctrl-C the pager stays, which has it too
    and says what it means, and shows what it has got; then the command ends as interrupted.
    """
    process = _start() if sys.stdout.isatty() else None
    if process is None or process.stdin is None:
        yield
        return
    screen = sys.stdout
    sys.stdout = _PagerStream(process.stdin, encoding="utf-8", errors="backslashreplace")
    try:
        yield
    finally:
        with suppress(BrokenPipeError):
            sys.stdout.close()
        sys.stdout = screen
        _wait(process)


class _PagerStream(io.TextIOWrapper):
    """What a pager reads: a terminal is behind it."""

    def isatty(self) -> bool:
        """Return True, so that what is written is coloured."""
        return True


def _start() -> "subprocess.Popen[bytes] | None":
    import subprocess  # noqa: PLC0415 - not needed off a terminal

    command = _choose()
    if not command or command == [NO_PAGER] or os.environ.get("TERM", "dumb") == "dumb":
        return None
    environ = {"LESS": LESS, **os.environ}
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, env=environ)
    except OSError:
        return None


def _choose() -> list[str]:
    import shlex  # noqa: PLC0415 - not needed off a terminal

    command = os.environ.get("FORGE_PAGER", os.environ.get("PAGER", DEFAULT_PAGER))
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _wait(process: "subprocess.Popen[bytes]") -> None:
    while process.returncode is None:
        with suppress(KeyboardInterrupt):  # only the pager decides when it ends
            process.wait()
