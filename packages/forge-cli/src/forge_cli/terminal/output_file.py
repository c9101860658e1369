"""Lines to stdout or to a new file."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from forge_core.errors import UsageError

from forge_cli.errors import OutputFailed
from forge_cli.terminal.console import print_text


@contextmanager
def writing_to(path: Path | None) -> Iterator[Callable[[str], object]]:
    """Give what writes one line: to a new file that only its owner may read, or to stdout.

    Raises:
        UsageError: The file exists or cannot be made.
        OutputFailed: It cannot be written to the end.
    """
    if path is None:
        yield print_text
        return
    target = path.expanduser()
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(f"{target} cannot be made: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yield lambda line: file.write(line + "\n")
    except OSError as error:
        raise OutputFailed(f"cannot write {target}: {error.strerror}") from error
