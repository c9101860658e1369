"""Printing: results on stdout, everything else on stderr."""

import logging
import os
import sys

from rich.text import Text

from forge_cli.render.text import escape


def prepare_streams() -> None:
    """Let no character that a terminal's encoding lacks end a command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def prepare_logging() -> None:
    """Print our own log lines as warnings; other libraries' only where `FORGE_DEBUG` is set.

    What goes wrong inside an activity is told by the run's report and kept in the record, so
    that Temporal's log of the same failure would only say it twice, as a traceback.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_EscapingFormatter("%(levelname)s: %(message)s"))
    if os.environ.get("FORGE_DEBUG"):
        logging.basicConfig(level=logging.DEBUG, handlers=[handler])
        return
    logging.getLogger().addHandler(logging.NullHandler())
    for name in ("forge", "forge_obs"):
        logging.getLogger(name).addHandler(handler)


class _EscapingFormatter(logging.Formatter):
    """Formats a record so that no terminal obeys what it quotes."""

    def format(self, record: logging.LogRecord) -> str:
        return escape(super().format(record))


def print_text(text: Text | str) -> None:
    """Print a result; styles only on a terminal, and no line is wrapped or cut.

    The text is written as it is: what somebody else wrote must have been escaped before.
    """
    if isinstance(text, Text) and sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415 - not needed off a terminal

        Console(soft_wrap=True, highlight=False, emoji=False).print(text)
        return
    sys.stdout.write((text.plain if isinstance(text, Text) else text) + "\n")


def print_note(message: str) -> None:
    """Print a line that is no result."""
    sys.stderr.write(escape(message) + "\n")


def print_warning(message: str) -> None:
    """Print what the user should know and nothing failed of."""
    print_note(f"warning: {message}")


def print_error(message: str) -> None:
    """Print in one line why a command failed."""
    print_note("error: " + " ".join(message.split("\n")))
