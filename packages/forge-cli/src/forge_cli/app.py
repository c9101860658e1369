"""The cyclopts application behind the ``forge`` command."""


def main() -> None:
    """Run the command line."""
