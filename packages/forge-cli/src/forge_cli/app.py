"""The cyclopts application behind the ``forge`` command, and how its errors are told."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import NoReturn

from cyclopts import CycloptsError

from forge_cli.commands import GROUPS, build_app
from forge_cli.errors import EXPECTED, Interrupted, describe_refusal, find_exit_code
from forge_cli.exit_codes import ExitCode
from forge_cli.options.common import launch, may_have_global_options
from forge_cli.terminal.console import (
    OutputFormat,
    flush_output,
    ignore_no_width,
    prepare_streams,
    print_failure,
)
from forge_cli.terminal.signals import end_process
from forge_cli.usage_errors import describe_usage_error


def main(argv: list[str]) -> NoReturn:
    """Run the command line of this process, and end it."""
    prepare_streams()
    ignore_no_width()
    sys.excepthook = partial(_report_bug, argv)
    end_process(call(argv))


def call(argv: list[str]) -> ExitCode:
    """Run a command line; whatever goes wrong becomes one line and an exit code."""
    has_global_options = may_have_global_options(argv)
    lists_commands = has_global_options or argv[-1] in GROUPS
    app, result = build_app(with_help=lists_commands), None
    try:
        with _failing_as_other_output():
            result = app.meta(argv) if has_global_options else launch(app, argv)
    except CycloptsError as error:
        return _fail(argv, ExitCode.USAGE, "UsageError", describe_usage_error(error, argv))
    except EXPECTED as error:
        report = error.report if isinstance(error, Interrupted) else None
        return _fail(argv, find_exit_code(error), type(error).__name__, str(error), report=report)
    except OSError as error:
        refusal = describe_refusal(error)
        if refusal is None:
            raise
        _print_trace(error)
        return _fail(argv, ExitCode.INFRASTRUCTURE, type(error).__name__, refusal)
    return result if isinstance(result, ExitCode) else ExitCode.SUCCESS


@contextmanager
def _failing_as_other_output() -> Iterator[None]:
    """Let help and versions, which rich prints, fail as what we print ourselves."""
    try:
        yield
    except OSError:
        flush_output()
        raise
    except SystemExit as error:
        if not isinstance(error.__context__, BrokenPipeError):
            raise


def _fail(
    argv: list[str], code: ExitCode, error_type: str, message: str, *, report: str | None = None
) -> ExitCode:
    is_printed = print_failure(OutputFormat.find(argv), error_type, message, report=report)
    return code if is_printed else ExitCode.INFRASTRUCTURE


def _report_bug(
    argv: list[str],
    type_: type[BaseException],
    error: BaseException,
    _trace: TracebackType | None,
) -> None:
    """Tell of an error that nobody expected, in one line, and exit."""
    _print_trace(error)
    reason = f"internal error: {type_.__name__}: {error} (FORGE_DEBUG=1 shows where)"
    end_process(_fail(argv, ExitCode.INFRASTRUCTURE, type_.__name__, reason))


def _print_trace(error: BaseException) -> None:
    """Print where an error comes from, if that is asked for."""
    if os.environ.get("FORGE_DEBUG"):
        import traceback  # noqa: PLC0415 - slow

        traceback.print_exception(error)
