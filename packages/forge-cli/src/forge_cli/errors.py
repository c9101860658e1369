"""Errors of the command line, and the exit code of every error that reaches it.

CommandError
├── UnknownWorkflow      no run has this workflow id
├── AmbiguousName        several runs are called so
├── UnknownInteraction   no call has this id
├── UnknownUnit          a run has no step or sub-task of this name
├── NothingRecorded      the call is on record, what was asked of it is not
├── NothingLeft          a task left nothing in this repository
├── OutputFailed         stdout cannot be written
└── Interrupted          the user told the command to stop
"""

import os

from forge_core.errors import ForgeError, InfrastructureError, UsageError
from forge_obs import AmbiguousId, StoreError

from forge_cli.exit_codes import ExitCode


class CommandError(Exception):
    """Root of every error that forge_cli raises on purpose."""


class UnknownWorkflow(CommandError):
    """No run has this workflow id."""


class AmbiguousName(CommandError):
    """Several runs are called so: what was to be done was done to none."""


class UnknownInteraction(CommandError):
    """No call of a model has this id."""


class UnknownUnit(CommandError):
    """A run has no step or sub-task of this name."""


class NothingRecorded(CommandError):
    """The call is on record, what was asked of it is not."""


class NothingLeft(CommandError):
    """A task left nothing in this repository."""


class OutputFailed(CommandError):
    """Stdout cannot be written."""


class Interrupted(CommandError):
    """The user told the command to stop; the message says what became of the run.

    Attributes:
        report: The same for people, in lines.
    """

    def __init__(self, message: str, report: str | None = None) -> None:
        super().__init__(message)
        self.report = report


EXIT_CODES: tuple[tuple[type[BaseException], ExitCode], ...] = (
    (UnknownWorkflow, ExitCode.FAILED),
    (AmbiguousId, ExitCode.FAILED),
    (OutputFailed, ExitCode.INFRASTRUCTURE),
    (Interrupted, ExitCode.INTERRUPTED),
    (UsageError, ExitCode.USAGE),
    (InfrastructureError, ExitCode.INFRASTRUCTURE),
    (StoreError, ExitCode.INFRASTRUCTURE),
    (ForgeError, ExitCode.FAILED),
    (CommandError, ExitCode.FAILED),
)
"""Exit codes by error; the first that fits counts."""


EXPECTED = (CommandError, ForgeError, StoreError)
"""Errors that the user is told of in one line."""


def find_exit_code(error: CommandError | ForgeError | StoreError) -> ExitCode:
    """Return the exit code of an error."""
    return next(code for type_, code in EXIT_CODES if isinstance(error, type_))


def describe_refusal(error: OSError) -> str | None:
    """Say which path the system refuses, and why; None where it does not name one."""
    if isinstance(error.filename, str | bytes | os.PathLike):
        return f"cannot use {os.fsdecode(error.filename)}: {error.strerror}"
    return None if _has_current_directory() else "the current directory no longer exists"


def _has_current_directory() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - no path is needed
    except OSError:
        return False
    return True
