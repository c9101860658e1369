"""Reading files of a worktree for a prompt."""

import os
import stat
from pathlib import Path

from forge_core.errors import ForgeError, RefusedPath
from forge_core.files.directory import open_directory, open_file
from forge_core.files.paths import parse_path
from forge_core.git.command import Git

SIZE_LIMIT = 1_000_000
"""Bytes up to which a file is shown."""


class UnreadableFile(ForgeError):
    """A file that a prompt cannot show; the message says why."""


def read_text(root: Path, path: str, limit_bytes: int = SIZE_LIMIT) -> str:
    """Read a text file of a worktree.

    Raises:
        UnreadableFile: It is missing, outside, no regular file, too large or no text.
    """
    try:
        *parents, name = parse_path(path)
        with open_directory(root, parents) as directory:
            content = _read(name, directory, limit_bytes)
    except FileNotFoundError as error:
        raise UnreadableFile("does not exist yet") from error
    except PermissionError as error:
        raise UnreadableFile("may not be read") from error
    except RefusedPath as error:
        raise UnreadableFile("cannot be shown: not a file inside the repository") from error
    if b"\0" in content:
        raise UnreadableFile("is a binary file")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UnreadableFile("is not UTF-8 text") from error


def list_files(root: Path) -> list[tuple[str, int]]:
    """List a worktree's files that git does not ignore, with their sizes in bytes, sorted.

    A file whose name cannot be shown on one line is left out.
    """
    names = Git(root).run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    shown = {name for name in names.split("\0") if name and name.isprintable()}
    return [(name, size) for name in sorted(shown) if (size := _measure(root / name)) is not None]


def _measure(path: Path) -> int | None:
    """Return the size of a regular file, None for anything else."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _read(name: str, directory: int, limit: int) -> bytes:
    with os.fdopen(open_file(name, directory), "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise UnreadableFile(f"is too large to be shown (more than {limit} bytes)")
    return content
