"""Making a file that must not exist yet, whole or not at all."""

import os
import secrets
from pathlib import Path


def create_whole(path: Path, text: str) -> None:
    """Make a file; it is on disk, with its text, once it has its name.

    Raises:
        FileExistsError: It exists already.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        with written.open("x") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(written, path)
    finally:
        written.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
