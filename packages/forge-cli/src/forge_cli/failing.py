"""Telling of a failure: a line on stderr, and a document where one was asked for."""

import os
from collections.abc import Sequence

from forge_cli.console import print_error, print_text


def tell_failure(argv: Sequence[str], error_type: str, message: str) -> None:
    """Tell why a command failed.

    Args:
        argv: The command line; with `--json` stdout gets a document, too.
        error_type: Name of the error.
        message: Told in one line.
    """
    line = " ".join(message.split())
    print_error(line)
    if "--json" in argv:
        from forge_cli.render.documents import build_error, dump  # noqa: PLC0415 - for failures

        print_text(dump(build_error(error_type, line)))


def describe_refusal(error: OSError) -> str | None:
    """Say what the system lets nobody use, and why; None where it does not say what that is."""
    if isinstance(error.filename, str | bytes | os.PathLike):
        return f"cannot use {os.fsdecode(error.filename)}: {error.strerror}"
    return None if _has_current_directory() else "the current directory does not exist any more"


def _has_current_directory() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - no path is needed
    except OSError:
        return False
    return True
