"""Opening and reading files of a worktree, without following a link."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from forge_core.errors import RefusedPath, UnreadableFile
from forge_core.files.paths import MISSING, parse_path
from forge_core.models.call.context import FILE_LIMIT_BYTES

OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def open_directory(root: Path, parts: Sequence[str], *, create: bool = False) -> Iterator[int]:
    """Open a directory below `root` and give its descriptor.

    Args:
        root: The worktree.
        parts: Names of the directories on the way.
        create: Make those that are missing.

    Raises:
        FileNotFoundError: One is missing and `create` is not set.
        RefusedPath: One is a link or no directory.
    """
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            if create:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptor)
            inner = _open_part(part, descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def open_file(name: str, directory: int) -> int:
    """Open a regular file for reading, neither following a link nor waiting for a pipe.

    Raises:
        FileNotFoundError: There is none.
        RefusedPath: Something else is there.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=directory)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            raise RefusedPath(f"{name!r} is not a regular file") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RefusedPath(f"{name!r} is not a regular file")
    return descriptor


def _open_part(part: str, directory: int) -> int:
    try:
        return os.open(part, OPEN_DIRECTORY, dir_fd=directory)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RefusedPath(f"{part!r} is a link or not a directory") from error


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
        raise UnreadableFile(MISSING) from error
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
