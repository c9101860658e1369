"""The process of the ``forge`` command, also as ``python -m forge_cli``."""

import gc
import sys

from forge_cli.terminal.signals import end_interrupted, install_signal_handlers

YOUNG_OBJECTS = 50_000
"""New objects after which garbage is looked for; Python's own 700 is for smaller programs.

Importing the libraries makes some fifty thousand objects that stay, and would look through them
over and over: a tenth of the time of a command that only reads."""


def main() -> None:
    """Run the command line of this process."""
    gc.set_threshold(YOUNG_OBJECTS)
    argv = sys.argv[1:]
    try:
        install_signal_handlers(argv)
        from forge_cli.app import main as run  # noqa: PLC0415 - imports everything else

        run(argv)
    except KeyboardInterrupt:  # the first lines of a command, and most often an import
        end_interrupted(argv)


if __name__ == "__main__":
    main()
