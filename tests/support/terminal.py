"""Programs on a terminal of their own."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

DEADLINE_S = 60.0


class Terminal:
    """A terminal and the program that runs on it.

    Attributes:
        shown: All that it has shown so far.
    """

    def __init__(self, descriptor: int, process: "subprocess.Popen[bytes]") -> None:
        self._descriptor = descriptor
        self._process = process
        self.shown = ""

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._descriptor, keys.encode())

    def wait_for(self, text: str) -> None:
        """Wait until a text has been shown after the last one that was waited for.

        Raises:
            AssertionError: It was not, within the deadline.
        """
        start, deadline = len(self.shown), time.monotonic() + DEADLINE_S
        while text not in self.shown[start:]:
            assert time.monotonic() < deadline, f"{text!r} not in {self.shown[start:]!r}"
            assert self._read(), f"{text!r} not in {self.shown[start:]!r}, and it has ended"

    def read_to_end(self) -> str:
        """Read until the program has ended and give all that was shown."""
        while self._read():
            pass
        return self.shown

    def wait(self) -> int:
        """Wait until the program has ended and give its exit code."""
        return self._process.wait(DEADLINE_S)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], DEADLINE_S)
        try:
            chunk = os.read(self._descriptor, 65536) if ready else b""
        except OSError:  # Linux says so where the other side is closed
            chunk = b""
        self.shown += chunk.decode(errors="replace")
        return bool(chunk)


@contextmanager
def on_terminal(command: Sequence[str], env: Mapping[str, str]) -> Iterator[Terminal]:
    """Run a program on a terminal; it is killed at the end."""
    ours, theirs = pty.openpty()
    # A leader of a session that opens a terminal gets it as its own, with its signals. Forking
    # here instead is not safe where threads run.
    opening = ["sh", "-c", ': <"$0"; exec "$@"', os.ttyname(theirs), *command]
    with subprocess.Popen(
        opening,
        env={**os.environ, **env},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        try:
            yield Terminal(ours, process)
        finally:
            process.kill()
    os.close(ours)
