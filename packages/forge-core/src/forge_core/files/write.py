"""Writing an answer's files, whole and never outside the worktree."""

import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path

from forge_core.errors import RefusedPath
from forge_core.files.directory import open_directory, open_file
from forge_core.files.paths import fold_path, parse_path
from forge_core.models.llm import FileOutput

NEW_FILE_MODE = 0o666
"""Mode of a new file, less the umask."""


def write_files(root: Path, files: Sequence[FileOutput]) -> list[str]:
    """Write files into a worktree and return their paths, in order.

    Every path and content is checked before the first file is written. A file is replaced as a
    whole; its mode stays, and so do its line endings where all of them are CRLF.

    Raises:
        RefusedPath: A path may not be written, stands twice, or its content is no text.
    """
    contents = {_check_name(file): _encode(file) for file in files}
    folded = [fold_path(path) for path in contents]
    if len(contents) < len(files) or len(set(folded)) < len(folded):
        raise RefusedPath("the answer names the same file twice")
    for path, content in contents.items():
        _write_file(root, path, content)
    return list(contents)


def _check_name(file: FileOutput) -> str:
    return "/".join(parse_path(file.file_path))


def _encode(file: FileOutput) -> bytes:
    try:
        return file.content.encode()
    except UnicodeEncodeError as error:
        raise RefusedPath(f"the content of {file.file_path} is not valid Unicode text") from error


def _write_file(root: Path, path: str, content: bytes) -> None:
    *parents, name = parse_path(path)
    try:
        with open_directory(root, parents, create=True) as directory:
            mode = _check_target(name, directory)
            if mode is not None:
                content = _keep_line_endings(content, name, directory)
            _replace(name, content, directory, mode)
    except RefusedPath as error:
        raise RefusedPath(f"path {path!r} is refused: {error}") from error


def _check_target(name: str, directory: int) -> int | None:
    """Return the mode of the file that stands there, None without one."""
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise RefusedPath("a link, a directory or something else that is no file stands there")
    if status.st_nlink > 1:
        raise RefusedPath("the file has several names, one of them maybe outside")
    return stat.S_IMODE(status.st_mode)


def _keep_line_endings(content: bytes, name: str, directory: int) -> bytes:
    with os.fdopen(open_file(name, directory), "rb") as file:
        old = file.read()
    all_crlf = b"\n" in old and old.count(b"\n") == old.count(b"\r\n")
    return content.replace(b"\n", b"\r\n") if all_crlf and b"\r" not in content else content


def _replace(name: str, content: bytes, directory: int, mode: int | None) -> None:
    temporary = f".forge-{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, NEW_FILE_MODE, dir_fd=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if mode is not None:
                os.fchmod(file.fileno(), mode)
        os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        os.unlink(temporary, dir_fd=directory)
        raise
