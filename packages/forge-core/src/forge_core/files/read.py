"""Reading files of a worktree for a prompt."""

import os
from pathlib import Path

from forge_core.errors import RefusedPath, UnreadableFile
from forge_core.files.directory import open_directory, open_file
from forge_core.files.paths import parse_path
from forge_core.models.context import FILE_LIMIT_BYTES


def read_text(root: Path, path: str, limit_bytes: int = FILE_LIMIT_BYTES) -> str:
    """Read a text file of a worktree.

    Raises:
        UnreadableFile: It is missing, outside, no regular file, too large or no text.
    """
    content = read_bytes(root, path, limit_bytes)
    if b"\0" in content:
        raise UnreadableFile("is a binary file")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UnreadableFile("is not UTF-8 text") from error


def read_bytes(root: Path, path: str, limit_bytes: int = FILE_LIMIT_BYTES) -> bytes:
    """Read a file of a worktree, byte for byte.

    Raises:
        UnreadableFile: It is missing, outside, no regular file or too large.
    """
    try:
        *parents, name = parse_path(path)
        with open_directory(root, parents) as directory:
            return _read(name, directory, limit_bytes)
    except FileNotFoundError as error:
        raise UnreadableFile("does not exist yet") from error
    except PermissionError as error:
        raise UnreadableFile("may not be read") from error
    except RefusedPath as error:
        raise UnreadableFile("cannot be shown: not a file inside the repository") from error
    except OSError as error:
        raise UnreadableFile(f"cannot be read: {error.strerror}") from error


def _read(name: str, directory: int, limit: int) -> bytes:
    with os.fdopen(open_file(name, directory), "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise UnreadableFile(f"is too large to be shown (more than {limit} bytes)")
    return content
