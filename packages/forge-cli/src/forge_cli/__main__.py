"""The process of the ``forge`` command, also as ``python -m forge_cli``."""

import gc

YOUNG_OBJECTS = 50_000
"""New objects after which garbage is looked for; Python's own 700 is for smaller programs.

Importing the libraries makes some fifty thousand objects that stay, and would look through them
over and over: a tenth of the time of a command that only reads."""


def main() -> None:
    """Run the command line of this process."""
    gc.set_threshold(YOUNG_OBJECTS)
    from forge_cli.app import main as run  # noqa: PLC0415 - imports all that

    run()


if __name__ == "__main__":
    main()
