"""Making files that must not exist yet, whole or not at all, and private directories."""

import glob
import os
import secrets
from pathlib import Path


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
    written = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        with open(written, "x", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(written, path)
    finally:
        written.unlink(missing_ok=True)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Have the names in a directory survive a loss of power."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def make_private(directory: Path) -> None:
    """Make a directory and its parents for their owner alone; those that exist are left."""
    if not directory.is_dir():
        make_private(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)


def sweep_unfinished(path: Path) -> None:
    """Remove what killed processes left that were about to make this file.

    One that is making it right now fails with FileNotFoundError.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}-{'[0-9a-f]' * 8}"):
        left.unlink(missing_ok=True)
