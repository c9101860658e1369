"""Log lines on stderr: warnings of our own by default, more if asked for."""

import ast
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from forge_cli.escape import escape

OURS = ("forge", "forge_obs")
"""Loggers of Forge itself."""

WITHHELD = "…"
"""What stands for a value that a library put into a log line."""

SDK_CORE = "(sdk-core)"
"""Where Temporal's core, which is no Python, says that its lines come from."""


LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
"""Levels by how much is asked for."""


@contextmanager
def logging_to_stderr(verbosity: int) -> Iterator[None]:
    """Print log lines on stderr for a while.

    What goes wrong inside an activity is told by the run's report and kept in the record, so
    that Temporal's log of the same failure would only say it twice, as a traceback.

    Args:
        verbosity: 0 prints Forge's own warnings, 1 what it tells of its work too, 2 and more every
            line, also those of all libraries, without what they quote. `FORGE_DEBUG` stands for 2.
    """
    if os.environ.get("FORGE_DEBUG"):
        verbosity = 2
    level = LEVELS[min(verbosity, 2)]
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
    """Formats a record so that no terminal obeys what it quotes, and no library quotes a prompt."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one escaped line behind its level."""
        ours = record.name.partition(".")[0] in OURS
        line = super().format(record) if ours else describe_foreign(record)
        return escape(f"{record.levelname.lower()}: {line}")


class _Withheld:
    """Stands for a value that a library put into a log line."""

    def __repr__(self) -> str:
        return WITHHELD


def describe_foreign(record: logging.LogRecord) -> str:
    """Say what a library logs as its author wrote it, with its numbers and nothing else.

    What it puts into a line may hold a prompt, an answer or a key: whole requests, the results of
    activities, errors that quote their cause. Of an exception, the types and the places are told.
    """
    lines = [f"{record.name}: {_fill_in(record)}"]
    error = record.exc_info[1] if record.exc_info else None
    while error is not None:
        lines += [f"{type(error).__name__} at", *_list_places(error)]
        error = error.__cause__ or error.__context__
    return "\n".join(lines)


def _fill_in(record: logging.LogRecord) -> str:
    """Fill numbers into the text of a line, if it is one that stands so in the library's source."""
    text = record.msg
    if record.pathname == SDK_CORE:  # Temporal's, in Rust: its values are not in the text
        return str(text)
    if not isinstance(text, str) or text not in _list_texts(record.pathname):
        return f"{WITHHELD} (in {record.funcName})"
    try:
        return text % _withhold(record.args) if record.args else text
    except (TypeError, ValueError, KeyError):
        return text


def _withhold(args: Any) -> Any:  # noqa: ANN401 - as a record has it
    if isinstance(args, Mapping):
        return {name: _withhold_value(value) for name, value in args.items()}
    return tuple(_withhold_value(value) for value in args)


def _withhold_value(value: object) -> object:
    return value if isinstance(value, int | float) else _Withheld()


@cache
def _list_texts(path: str) -> frozenset[str]:
    """List the texts that stand in a source file; none of one that cannot be read."""
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return frozenset()
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return frozenset(value for value in constants if isinstance(value, str))


def _list_places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
