"""Reading from a server's log why it did not start; pure."""

import re

TOLD_LENGTH = 150
"""Characters that are told of either end of a long line of the log."""

TOLD_ERROR = re.compile(r"Error:\s*(.+)")
"""A line in which the server's command says why it ends."""

PANIC = re.compile(r"panic: (.+)")
"""The line that a Go program prints before the stacks of its goroutines."""

LOGGED_ERROR = re.compile(r'time=\S+ level=(?:ERROR|FATAL) msg="([^"]*)"(?:.*? error="([^"]*)")?')
"""A line of the server's own log."""

PORT_TAKEN = "address already in use"
"""How the server says that it cannot have a port, in the words of the system (EADDRINUSE)."""


def find_telling_line(log: str) -> str:
    """Return the line of a log that best explains why the server did not start.

    What the command says itself comes first, then the first error that the server logged, which is
    the cause of those after it, then why it panicked.
    """
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for pattern, index in ((TOLD_ERROR, -1), (LOGGED_ERROR, 0), (PANIC, 0)):
        if matches := [match for line in lines if (match := pattern.match(line))]:
            return _shorten(": ".join(filter(None, matches[index].groups())))
    return _shorten(lines[-1] if lines else "it said nothing")


def _shorten(line: str) -> str:
    if len(line) > 2 * TOLD_LENGTH:
        # A statement may stand in the middle; what happened to it comes last.
        return f"{line[:TOLD_LENGTH]} … {line[-TOLD_LENGTH:]}"
    return line
