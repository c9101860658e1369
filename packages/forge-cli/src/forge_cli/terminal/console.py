"""Printing: results on stdout, questions, notes and failures on stderr."""

import io
import os
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, tzinfo
from enum import Enum
from typing import TextIO

from forge_core.errors import UsageError
from rich.text import Text

from forge_cli.errors import Interrupted, OutputFailed
from forge_cli.escape import escape
from forge_cli.program import as_started
from forge_cli.views.json_text import dump

NARROWEST = 10
"""Columns from which on a width is believed."""


class OutputFormat(Enum):
    """What a command prints its result as."""

    TEXT = "text"
    JSON = "json"
    """One document."""
    JSONL = "jsonl"
    """One document a line."""
    CSV = "csv"
    """Comma-separated values, a line of names first."""

    @classmethod
    def choose(cls, *, json: bool, jsonl: bool = False) -> "OutputFormat":
        """Choose a format by the options of a command."""
        if json:
            return cls.JSON
        return cls.JSONL if jsonl else cls.TEXT

    @classmethod
    def find(cls, argv: Sequence[str]) -> "OutputFormat":
        """Return the format that a command line asks for, which may be no valid one."""
        return cls.choose(json="--json" in argv)


def prepare_streams() -> None:
    """Let a command end well whatever it prints: closed streams, characters that lack a code."""
    sys.stdout = sys.stdout or _open_nowhere()
    sys.stderr = sys.stderr or _open_nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def ignore_no_width() -> None:
    """Ignore a width that no word fits into; the library of help fails or hangs with it."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) < NARROWEST:
        del os.environ["COLUMNS"]


def print_text(text: Text | str) -> bool:
    """Print a result; styles only on a terminal, and no line is wrapped or cut.

    The text is written as it is: what somebody else wrote must have been escaped before. False
    where nobody reads it any more.

    Raises:
        OutputFailed: Stdout cannot be written; that its reader is gone is no failure.
    """
    plain = text.plain if isinstance(text, Text) else text
    styled = isinstance(text, Text) and sys.stdout.isatty()
    return _write(sys.stdout, (_add_styles(text) if styled else plain) + "\n")


def get_width() -> int | None:
    """Return how many columns the terminal has; None where stdout is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def get_zone() -> tzinfo | None:
    """Return the zone for times on stdout: None for the user's own on a terminal, else UTC."""
    return None if sys.stdout.isatty() else UTC


def print_verbatim(text: str) -> None:
    """Print a text as it is and add nothing; on a terminal, escaped as a line of its own.

    Raises:
        OutputFailed: Stdout cannot be written; that its reader is gone is no failure.
    """
    if sys.stdout.isatty() or not isinstance(sys.stdout, io.TextIOWrapper):
        print_text(escape(text))
        return
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    _write(sys.stdout, text)


def flush_output() -> None:
    """Write what was printed by somebody else and is still waiting.

    Raises:
        OutputFailed: Stdout cannot be written; that its reader is gone is no failure.
    """
    _write(sys.stdout, "")


def print_note(message: str) -> None:
    """Print a line that is no result."""
    _write(sys.stderr, escape(as_started(message)) + "\n")


def print_warning(message: str) -> None:
    """Print what the user should know and nothing failed of."""
    print_note(f"warning: {message}")


def print_error(message: str) -> None:
    """Print in one line why a command failed."""
    print_note("error: " + " ".join(message.split("\n")))


def print_failure(
    output: OutputFormat, error_type: str, message: str, *, report: str | None = None
) -> bool:
    """Print why a command failed: a line on stderr, and a document where JSON was asked for.

    Where the document cannot be written, that is printed instead.

    Args:
        output: The command's format.
        error_type: Name of the error.
        message: Printed as one line, in any case where it says what became of an interrupted run.
        report: Printed instead on stderr, for people.

    Returns:
        Whether stdout took what it was to get.
    """
    line = " ".join(message.split())
    try:
        if output is OutputFormat.JSON:
            print_text(dump({"error": {"type": error_type, "message": as_started(line)}}))
    except OutputFailed as error:
        print_error(f"{error}; {line}" if error_type == Interrupted.__name__ else str(error))
        return False
    if report is None:
        print_error(line)
    else:
        print_note(report)
    return True


def _add_styles(text: Text | str) -> str:
    from rich.console import Console  # noqa: PLC0415 - not needed off a terminal

    console = Console(highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(text, soft_wrap=True, end="")
    return capture.get()


def _write(stream: TextIO, text: str) -> bool:
    """Write at once, so that progress is seen when it is made; False where nobody reads it."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _silence(stream)
        return False
    except OSError as error:
        _silence(stream)
        if stream is sys.stdout:
            raise OutputFailed(f"cannot write the output: {error.strerror}") from error
        return False
    return True


def _silence(stream: TextIO) -> None:
    """Let the rest go nowhere, the interpreter's own flush at its end included."""
    with _open_nowhere() as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def _open_nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - closed by the caller


YES = frozenset({"y", "yes"})


def confirm(question: str, *, yes: bool) -> bool:
    """Ask a question that only a clear yes answers with yes.

    Args:
        question: What is about to be done.
        yes: Whether it was answered beforehand.

    Raises:
        UsageError: Nobody is there to be asked.
    """
    if yes:
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"{question} There is no terminal to ask on: give --yes to confirm")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in YES
