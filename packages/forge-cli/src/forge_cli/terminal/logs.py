"""Log lines on stderr: warnings of our own by default, more if asked for."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from forge_cli.escape import escape

OURS = ("forge", "forge_obs")
"""Loggers of Forge itself."""


@contextmanager
def logging_to_stderr(verbosity: int) -> Iterator[None]:
    """Print log lines on stderr for a while.

    What goes wrong inside an activity is told by the run's report and kept in the record, so
    that Temporal's log of the same failure would only say it twice, as a traceback.

    Args:
        verbosity: 0 prints Forge's own warnings, 1 every line of Forge, 2 and more those of all
            libraries too. `FORGE_DEBUG` stands for 2.
    """
    if os.environ.get("FORGE_DEBUG"):
        verbosity = 2
    level = logging.WARNING if verbosity == 0 else logging.DEBUG
    with _handled(OURS if verbosity < 2 else ("",), level):
        yield


@contextmanager
def _handled(names: tuple[str, ...], level: int) -> Iterator[None]:
    handler, nowhere = _StderrHandler(), logging.NullHandler()
    handler.setFormatter(_EscapingFormatter("%(message)s"))
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(level)
    logging.getLogger().addHandler(nowhere)  # else Python prints warnings by itself
    try:
        yield
    finally:
        for logger, before in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(before)
        logging.getLogger().removeHandler(nowhere)


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to what stderr is at the moment: a live view puts itself before it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """The present stderr."""
        return sys.stderr


class _EscapingFormatter(logging.Formatter):
    """Formats a record so that no terminal obeys what it quotes."""

    def format(self, record: logging.LogRecord) -> str:
        return escape(f"{record.levelname.lower()}: {super().format(record)}")
