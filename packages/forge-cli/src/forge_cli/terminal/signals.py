"""Requests to stop: Ctrl-C, a polite kill, and the end of the terminal.

Before a command has begun, each of them raises `KeyboardInterrupt`. While a run is executed, the
first one cancels the task that waits for it, and the second one ends the process. This module is
imported before anything else and imports next to nothing itself.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from forge_cli.exit_codes import ExitCode

if TYPE_CHECKING:
    import asyncio

    from forge_cli.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SERVICES = ("worker", "receive")
"""Commands that have done their duty when they are told to stop."""

INTERRUPTIBLE = ("run", "resume", "cancel", *SERVICES)
"""Commands that answer to SIGTERM and SIGHUP as to Ctrl-C."""


def install_signal_handlers(argv: Sequence[str]) -> None:
    """Have signals raise `KeyboardInterrupt` until a command handles them itself.

    A signal that the parent process had set to be ignored, as nohup does, stays ignored.
    """
    if _find_command(argv) in INTERRUPTIBLE:
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _interrupt)


def end_interrupted(argv: Sequence[str]) -> NoReturn:
    """End a process that was interrupted: with one line, unless it serves others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the rest takes a moment
    if _find_command(argv) in SERVICES:
        end_process(ExitCode.SUCCESS)
    from forge_cli.terminal.console import (  # noqa: PLC0415 - imports rich
        OutputFormat,
        prepare_streams,
        print_failure,
    )

    prepare_streams()
    written = print_failure(OutputFormat.find(argv), "Interrupted", "interrupted")
    end_process(ExitCode.INTERRUPTED if written else ExitCode.INFRASTRUCTURE)


def end_process(code: ExitCode) -> NoReturn:
    """End the process without tearing the interpreter down.

    That would take a tenth of the time of a command that only reads, and threads of Temporal's core
    may still call into Python then, which crashes or hangs the process. What is to be kept has been
    written by now.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


class Interruption:
    """Whether the process was told to stop.

    Args:
        task: Cancelled at the first request.
        at_first: Called at the first request, before anything else.
        at_once: Called at the second, before the process ends.
    """

    def __init__(
        self,
        task: "asyncio.Task[Any] | None",
        at_first: Callable[[], None],
        at_once: Callable[[], object],
    ) -> None:
        self._task = task
        self._at_first = at_first
        self._at_once = at_once
        self.requested = False

    def request(self) -> None:
        """Stop, or stop at once."""
        from forge_cli.terminal.console import print_note  # noqa: PLC0415 - imports rich

        if self.requested:
            self._at_once()
            os._exit(ExitCode.INTERRUPTED)
        self.requested = True
        self._at_first()
        print_note("stopping: interrupt again to stop at once")
        if self._task is not None:
            self._task.cancel()


@contextmanager
def interruptible(
    at_first: Callable[[], None] = lambda: None, at_once: Callable[[], object] = lambda: None
) -> Iterator[Interruption]:
    """Have signals cancel the current task until the block ends.

    A signal that the parent process had set to be ignored, as nohup does, stays ignored.

    Args:
        at_first: Called at the first signal.
        at_once: Called at the second, before the process ends.
    """
    import asyncio  # noqa: PLC0415 - most commands do without

    interruption = Interruption(asyncio.current_task(), at_first, at_once)
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    heeded = [number for number in SIGNALS if handlers[number] is not signal.SIG_IGN]
    loop = asyncio.get_running_loop()
    for number in heeded:
        loop.add_signal_handler(number, interruption.request)
    try:
        yield interruption
    finally:
        for number in heeded:
            loop.remove_signal_handler(number)
            if number != signal.SIGINT:  # asyncio lets the others kill from here on
                signal.signal(number, handlers[number])


@contextmanager
def explaining(
    explain: Callable[[], "Interrupted"],
    tell: Callable[["Interrupted"], object],
    at_first: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Turn a request to stop into an error that says what became of a run.

    Args:
        explain: Says so at the moment.
        tell: Called with it at the second signal, before the process ends.
        at_first: Called at the first signal.

    Raises:
        Interrupted: The process was told to stop.
    """
    import asyncio  # noqa: PLC0415 - most commands do without

    with interruptible(at_first, lambda: tell(explain())) as interruption:
        try:
            yield
        except asyncio.CancelledError:
            if not interruption.requested:
                raise
            raise explain() from None


def _find_command(argv: Sequence[str]) -> str:
    """Return the first word that is no option; options of every command have no value."""
    return next((word for word in argv if not word.startswith("-")), "")


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
