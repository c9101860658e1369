"""Files that appear whole or not at all, and files and directories for their owner alone."""

import glob
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700


def make_private(directory: Path) -> None:
    """Make a directory and its parents for their owner alone; those that exist are left."""
    if not directory.is_dir():
        make_private(directory.parent)
        directory.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)


def open_private(path: Path) -> IO[str]:
    """Open a file to append to that only its owner may read, whatever the umask.

    Raises:
        OSError: It cannot be opened, or is a link, which might lead to a file of others.
    """
    return open(path, "a", opener=_open_without_following)


def create_private(path: Path, text: str) -> None:
    """Make a file, and the directories on the way, for their owner alone; see `create_whole`.

    Raises:
        FileExistsError: It exists already.
    """
    make_private(path.parent)
    create_whole(path, text, mode=PRIVATE_FILE)


def replace_private(path: Path, content: bytes) -> None:
    """Write a file for its owner alone in place of one that may be there; its directory exists.

    It is on disk, with its content, once it has its name.
    """
    with _write_beside(path, content, PRIVATE_FILE) as unnamed:
        unnamed.replace(path)
    sync_directory(path.parent)


def create_whole(path: Path, text: str, mode: int = 0o666) -> None:
    """Make a file; it is on disk, with its text, once it has its name.

    Args:
        path: Its name.
        text: Its content.
        mode: Its mode, from which the umask takes away.

    Raises:
        FileExistsError: It exists already.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _write_beside(path, text.encode(), mode) as unnamed:
        os.link(unnamed, path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Have the names in a directory survive a loss of power."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def name_beside(path: Path) -> Path:
    """Return a hidden name in the same directory for a file that is to become `path`."""
    return path.with_name(f".{path.name}-{secrets.token_hex(4)}")


def sweep_unfinished(path: Path) -> None:
    """Remove what killed processes left that were about to make this file.

    One that is making it right now fails with FileNotFoundError.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}-{'[0-9a-f]' * 8}"):
        left.unlink(missing_ok=True)


def _open_without_following(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW, PRIVATE_FILE)


@contextmanager
def _write_beside(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """Write a file that the block gives its name; without one it is gone afterwards."""
    unnamed = name_beside(path)
    try:
        with open(unnamed, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield unnamed
    finally:
        unnamed.unlink(missing_ok=True)
