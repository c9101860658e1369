"""The process of the ``forge`` command, also as ``python -m forge_cli``."""

import gc
import sys

from forge_cli.exit_codes import ExitCode
from forge_cli.terminal.early_signals import WORKER, find_command, heed_signals

YOUNG_OBJECTS = 50_000
"""New objects after which garbage is looked for; Python's own 700 is for smaller programs.

Importing the libraries makes some fifty thousand objects that stay, and would look through them
over and over: a tenth of the time of a command that only reads."""


def main() -> None:
    """Run the command line of this process."""
    gc.set_threshold(YOUNG_OBJECTS)
    try:
        heed_signals(sys.argv[1:])
        from forge_cli.app import main as run  # noqa: PLC0415 - imports all that

        run()
    except KeyboardInterrupt:  # beside any command: most often while it imports
        if find_command(sys.argv[1:]) == WORKER:
            sys.exit(ExitCode.SUCCESS)
        sys.stderr.write("error: interrupted\n")
        sys.exit(ExitCode.INTERRUPTED)


if __name__ == "__main__":
    main()
