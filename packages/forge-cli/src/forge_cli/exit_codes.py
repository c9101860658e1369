"""Exit codes of ``forge``."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit code means."""

    SUCCESS = 0
    """Done, also where the store could not be written."""
    FAILED = 1
    """The task failed, the workflow is unknown, or a check found something."""
    USAGE = 2
    """The command cannot be carried out as it was given."""
    INFRASTRUCTURE = 3
    """Git, a server, a worker or the store is missing or unreachable."""
    INTERRUPTED = 130
    """Stopped by the user."""
