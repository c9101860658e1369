"""Reading files of a worktree for a prompt."""

import os
import stat
from pathlib import Path

from forge_core.errors import ForgeError, RefusedPath
from forge_core.files.directory import open_directory
from forge_core.files.paths import parse_path
from forge_core.git.command import Git

SIZE_LIMIT = 1_000_000
"""Bytes up to which a file is shown."""


class UnreadableFile(ForgeError):
    """A file that a prompt cannot show; the message says why."""


def read_text(root: Path, path: str) -> str:
    """Read a text file of a worktree.

    Raises:
        UnreadableFile: It is missing, outside, no regular file, too large or no text.
    """
    try:
        *parents, name = parse_path(path)
        with open_directory(root, parents) as directory:
            content = _read(name, directory)
    except FileNotFoundError as error:
        raise UnreadableFile("does not exist yet") from error
    except RefusedPath as error:
        raise UnreadableFile("cannot be shown: not a file inside the repository") from error
    if b"\0" in content:
        raise UnreadableFile("is a binary file")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UnreadableFile("is not UTF-8 text") from error


def list_files(root: Path) -> list[tuple[str, int]]:
    """List a worktree's files that git does not ignore, with their sizes in bytes, sorted."""
    names = Git(root).run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    found = {}
    for name in names.split("\0"):
        try:
            status = os.lstat(root / name)
        except OSError:
            continue
        if name and stat.S_ISREG(status.st_mode):
            found[name] = status.st_size
    return sorted(found.items())


def _read(name: str, directory: int) -> bytes:
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        raise RefusedPath("no regular file")
    if status.st_size > SIZE_LIMIT:
        raise UnreadableFile(f"is too large to be shown ({status.st_size} bytes)")
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(SIZE_LIMIT + 1)
