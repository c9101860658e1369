"""Requests to stop that come before a command has begun; imports next to nothing."""

import signal
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

WORKER = "worker"
"""The command that has done its duty when it is told to stop."""

HEEDING = ("run", "resume", "cancel", WORKER)
"""Commands that answer to SIGTERM and SIGHUP as to Ctrl-C."""


def find_command(argv: Sequence[str]) -> str:
    """Find the first word that is no option; options of every command have no value."""
    return next((word for word in argv if not word.startswith("-")), "")


def heed_signals(argv: Sequence[str]) -> None:
    """Let signals interrupt a command, until it has its own way with them.

    A signal that whoever started us had ignored, as nohup does, stays ignored.
    """
    if find_command(argv) in HEEDING:
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
