"""Telling of a failure: a line on stderr, and a document where one was asked for."""

import os
from collections.abc import Sequence

from forge_cli.errors import Interrupted, OutputFailed
from forge_cli.terminal.console import print_error, print_text


def tell_failure(argv: Sequence[str], error_type: str, message: str) -> bool:
    """Tell why a command failed; that its document cannot be written is told instead.

    Args:
        argv: The command line; with `--json` stdout gets a document, too.
        error_type: Name of the error.
        message: Told in one line, in any case where it says what became of an interrupted run.

    Returns:
        Whether stdout took what it was to get.
    """
    line = " ".join(message.split())
    try:
        if "--json" in argv:
            _print_document(error_type, line)
    except OutputFailed as error:
        print_error(f"{error}; {line}" if error_type == Interrupted.__name__ else str(error))
        return False
    print_error(line)
    return True


def _print_document(error_type: str, line: str) -> None:
    from forge_cli.render.json_documents import build_error, dump  # noqa: PLC0415 - for failures

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
