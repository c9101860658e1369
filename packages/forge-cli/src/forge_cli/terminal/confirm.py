"""Asking before something is deleted."""

import sys

from forge_core.errors import UsageError

YES = frozenset({"y", "yes"})


def confirm(question: str, *, yes: bool) -> bool:
    """Ask a question that only a clear yes answers with yes.

    Args:
        question: What is about to be done.
        yes: Whether it was answered beforehand.

    Raises:
        UsageError: Nobody is there to be asked.
    """
    if yes:
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody is here to answer: give --yes to do it")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in YES
