"""Files and directories that a user names to be made: whole, or not there at all."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from forge_core.errors import UsageError

from forge_cli.errors import CommandError, OutputFailed

DISK_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Errors of which another name for the file is no way out."""


def refuse_target(target: Path, error: OSError, kind: str = "file") -> UsageError | CommandError:
    """Build what tells a user that a file cannot be made, with the way out.

    Args:
        target: As it was named.
        error: What the system says.
        kind: What it was to become.
    """
    if isinstance(error, FileExistsError):
        return UsageError(f"{target} already exists: choose another {kind}")
    reason = error.strerror or str(error) or type(error).__name__
    if error.errno in DISK_ERRORS:
        return OutputFailed(f"cannot write {target}: {reason}")
    return UsageError(f"cannot create {target}: {reason}: choose another {kind}")


@contextmanager
def making_file(target: Path) -> Iterator[Callable[[str], object]]:
    """Yield what writes one line to a new file that only its owner may read.

    Raises:
        UsageError: The file exists or cannot be created.
        OutputFailed: The disk is full or broken; the file is gone again.
    """
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                yield lambda line: file.write(line + "\n")
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise refuse_target(target, error) from error


@contextmanager
def making_directory(target: Path) -> Iterator[None]:
    """Make a directory that only its owner may read; where the block fails, it is gone again.

    Raises:
        UsageError: It exists or cannot be created.
        OutputFailed: The disk is full or broken.
    """
    try:
        target.mkdir(mode=0o700)
        try:
            yield
        except BaseException:
            _remove_directory(target)
            raise
    except OSError as error:
        raise refuse_target(target, error, "directory") from error


def _remove_directory(directory: Path) -> None:
    """Remove a directory with the files in it, which this process has just made."""
    for file in directory.iterdir():
        file.unlink()
    directory.rmdir()
