"""Private files and file locks, which the kernel drops however their holder ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from forge_core.files.private import name_beside, open_private

PATIENCE_S = 1.0
"""Seconds after which a locked file counts as held: readers lock it too, for a moment."""

PAUSE_S = 0.02


class Held(Exception):
    """Somebody else holds the file; the message is what it says."""


@contextmanager
def held_file(path: Path, text: str) -> Iterator[None]:
    """Hold a file that says something as long as we live: locked by us, removed at the end.

    It appears with its text and its lock, or not at all; one that its holder left behind is
    replaced.

    Raises:
        Held: Another living process has it.
    """
    unnamed = name_beside(path)
    try:
        with open_private(unnamed) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(text)
            file.flush()
            _give_name(unnamed, path)
            unnamed.unlink()
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
    finally:
        unnamed.unlink(missing_ok=True)


def read_held(path: Path) -> str | None:
    """Read a file of `held_file`; None if there is none or its holder is gone."""
    try:
        with path.open(errors="replace") as file:
            return None if try_lock(file, fcntl.LOCK_SH) else file.read()
    except OSError:
        return None


def try_lock(file: IO[str] | int, kind: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file without waiting; return whether that worked."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_same_file(descriptor: int, path: Path) -> bool:
    """Return whether an open file is still the one at its path, not one that replaced it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _give_name(unnamed: Path, path: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            os.link(unnamed, path)
        except FileExistsError:
            _remove_stale(path, deadline)
        else:
            return


def _remove_stale(path: Path, deadline: float) -> None:
    """Remove a file whose holder is gone."""
    with suppress(FileNotFoundError), path.open(errors="replace") as file:
        if not try_lock(file):
            if time.monotonic() > deadline:
                raise Held(file.read())
            time.sleep(PAUSE_S)
        elif is_same_file(file.fileno(), path):
            path.unlink()
