"""Requests to stop this process: the first ends it gracefully, the second at once."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from forge_cli.errors import Interrupted
from forge_cli.exit_codes import ExitCode
from forge_cli.terminal.console import print_note

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a polite kill, and the end of the terminal."""


class Interruption:
    """Whether the process was told to stop.

    Args:
        task: Cancelled at the first request.
        at_first: Called at the first request, before anything else.
        at_once: Called at the second, before the process ends.
    """

    def __init__(
        self,
        task: asyncio.Task[Any] | None,
        at_first: Callable[[], None],
        at_once: Callable[[], object],
    ) -> None:
        self._task = task
        self._at_first = at_first
        self._at_once = at_once
        self.requested = False

    def request(self) -> None:
        """Stop, or stop at once."""
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

    A signal that whoever started us had ignored, as nohup does, stays ignored.

    Args:
        at_first: Called at the first signal.
        at_once: Called at the second, before the process ends.
    """
    interruption = Interruption(asyncio.current_task(), at_first, at_once)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heard = [number for number in SIGNALS if before[number] is not signal.SIG_IGN]
    loop = asyncio.get_running_loop()
    for number in heard:
        loop.add_signal_handler(number, interruption.request)
    try:
        yield interruption
    finally:
        for number in heard:
            loop.remove_signal_handler(number)
            if number != signal.SIGINT:  # asyncio lets the others kill from here on
                signal.signal(number, before[number])


@contextmanager
def explaining(
    remark: Callable[[], str],
    tell: Callable[[str], object],
    at_first: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Turn a request to stop into an error that says what became of a run.

    Args:
        remark: Says so at the moment.
        tell: Told it at the second signal, before the process ends.
        at_first: Called at the first signal.

    Raises:
        Interrupted: The process was told to stop.
    """
    with interruptible(at_first, lambda: tell(remark())) as interruption:
        try:
            yield
        except asyncio.CancelledError:
            if not interruption.requested:
                raise
            raise Interrupted(remark()) from None
