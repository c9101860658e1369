"""Telling of a failure: a line on stderr, and a document where one was asked for."""

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
