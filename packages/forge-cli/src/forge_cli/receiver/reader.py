"""A process beside this one that reads bodies, which is most of the work on them.

See D99.
"""

import logging
import marshal
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from typing import Final

from forge_cli.receiver import reading_process
from forge_cli.receiver.content import Body, Summary
from forge_cli.receiver.refusal import Code, Refusal

START_S: Final = 60.0
"""How long the process may take to start, in seconds."""

END_S: Final = 10.0
"""How long it may take to end when it is told to."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends the receiver when it has done what is under way, for which it needs the process."""

_log: Final = logging.getLogger("forge.receive")


class ProcessGone(Exception):
    """The process ended, or was killed."""


class Unreadable(Exception):
    """The process cannot say what a body holds; it can be read here."""


def can_read_beside() -> bool:
    """Return whether a process beside this one has a processor, and a way to start."""
    try:
        processors = len(os.sched_getaffinity(0))
    except AttributeError:  # of Linux
        processors = os.cpu_count() or 1
    # A program that was packed into one file is no Python that runs modules.
    return processors > 1 and bool(sys.executable) and not getattr(sys, "frozen", False)


class ReadingProcess:
    """The process; bodies are sent by one thread, and answers taken by another, in their order.

    Raises:
        OSError: It cannot be started.
        ProcessGone: It ended at once.
    """

    def __init__(self) -> None:
        self._connection, theirs = Pipe()
        try:
            with theirs, _signals_blocked():
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", reading_process.__name__],
                    stdin=theirs.fileno(),
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                )
        except OSError:
            self._connection.close()
            raise
        if not self._connection.poll(START_S):
            self._process.kill()
        try:
            self._receive()
        except ProcessGone:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def send(self, body: Body, most_bytes: int) -> None:
        """Send a body; waits until the ones before are read.

        Raises:
            OSError: The process ended.
        """
        head = (body.signal, body.is_json, body.encoding, most_bytes)
        self._connection.send_bytes(marshal.dumps(head))
        self._connection.send_bytes(body.content)

    @contextmanager
    def answering(self) -> Iterator[tuple[Summary, Iterator[bytes]]]:
        """Yield what the next body holds, in parts for `SpanRecorder.record_packed`.

        Raises:
            Refusal: Nothing of it can be read.
            Unreadable: The process does not know; some parts may have come.
            ProcessGone: It ended; some parts may have come.
        """
        kind, *values = marshal.loads(self._receive())  # noqa: S302 - of a process of ours
        if kind == reading_process.REFUSED:
            status, code, message, headers = values
            raise Refusal(status, Code(code), message, headers)
        if kind != reading_process.READ:
            raise Unreadable
        parts = self._list_parts()
        try:
            yield Summary(*values), parts
        finally:
            with suppress(Unreadable, ProcessGone):
                for _ in parts:  # the next answer begins behind them
                    pass

    def _list_parts(self) -> Iterator[bytes]:
        while (part := self._receive()) != reading_process.END:
            if part == reading_process.BROKEN_OFF:
                raise Unreadable
            yield part

    def _receive(self) -> bytes:
        try:
            return self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            raise ProcessGone from error

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Let what is started here see no request to stop, which a terminal sends to all processes."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Reader:
    """Hands bodies to a process, which is started when the first one comes, and when it has ended.

    Args:
        most_bytes: How large a body may be when it is unpacked.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forge-hand-over")
        self._process: ReadingProcess | None = None
        self._can_start = True

    @property
    def pid(self) -> int | None:
        """The id of the process; None while there is none."""
        return None if self._process is None else self._process.pid

    def hand_over(self, body: Body) -> "Future[ReadingProcess | None]":
        """Hand a body over; gives the process that will answer, or None where there can be none."""
        return self._thread.submit(self._hand_over, body)

    def _hand_over(self, body: Body) -> ReadingProcess | None:
        process = self._find_process()
        if process is not None:
            with suppress(OSError):  # whoever waits for the answer notices
                process.send(body, self._most_bytes)
        return process

    def _find_process(self) -> ReadingProcess | None:
        if self._process is not None and not self._process.is_running:
            self._process = None
        if self._process is None and self._can_start:
            try:
                self._process = ReadingProcess()
            except (OSError, ProcessGone) as error:
                self._can_start = False
                _log.warning(
                    "bodies are read by one process alone, since no other starts: %r", error
                )
        return self._process

    def close(self) -> None:
        """End the process. Only when no answer is waited for."""
        self._thread.shutdown()
        if self._process is not None:
            self._process.close()
