"""Writing an answer's files, whole and never outside the worktree.

See D45.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from forge_core.errors import RefusedPath
from forge_core.files.paths import fold_path, parse_path
from forge_core.files.protection import ORDINARY_FILES, WritePolicy
from forge_core.files.read import open_directory, open_file
from forge_core.models.llm import FileOutput

NEW_FILE_MODE = 0o666
"""Mode of a new file, less the umask."""


def write_files(
    root: Path, files: Sequence[FileOutput], policy: WritePolicy = ORDINARY_FILES
) -> list[str]:
    """Write files into a worktree and return their paths, in order.

    Every path, what stands there and every content is checked before the first file is written.
    A file is replaced as a whole; its mode stays, and so do its line endings where all of them
    are CRLF.

    Raises:
        RefusedPath: A path may not be written, stands twice, or its content is no text.
            `policy` refuses files that decide what is executed unless the user let them pass.
    """
    contents = [(parse_path(file.file_path), _encode(file)) for file in files]
    policy.check(["/".join(parts) for parts, _ in contents])
    _refuse_collisions([parts for parts, _ in contents])
    for parts, _ in contents:
        _refuse_lookalike(root, parts)
        _check_place(root, parts)
    for parts, content in contents:
        _write_file(root, parts, content)
    return ["/".join(parts) for parts, _ in contents]


def find_replaced(root: Path, paths: Sequence[str]) -> list[str]:
    """Find the paths at which something else than a file of ours stands; one may be missing."""

    def is_replaced(path: str) -> bool:
        try:
            *parents, name = parse_path(path)
            with suppress(FileNotFoundError), open_directory(root, parents) as directory:
                _stat_file(name, directory)
        except RefusedPath:
            return True
        return False

    return [path for path in paths if is_replaced(path)]


def _refuse_collisions(paths: Sequence[tuple[str, ...]]) -> None:
    """Refuse a file that is named twice or is a directory of another, whatever its case."""
    folded = [tuple(fold_path(part) for part in parts) for parts in paths]
    files = set(folded)
    if len(files) < len(folded):
        raise RefusedPath("the answer names the same file twice")
    for parts, names in zip(paths, folded, strict=True):
        if any(names[:depth] in files for depth in range(1, len(names))):
            raise RefusedPath(f"path {'/'.join(parts)!r} is refused: a part of it is a file too")


def _refuse_lookalike(root: Path, parts: Sequence[str]) -> None:
    """Refuse a new name that some file system takes for one that stands there."""
    for depth, part in enumerate(parts):
        with _naming(parts), suppress(FileNotFoundError):
            with open_directory(root, parts[:depth]) as directory:
                names = os.listdir(directory)  # noqa: PTH208 - by descriptor
            other = None if part in names else _find_lookalike(part, names)
            if other is not None:
                raise RefusedPath(f"{other!r} stands there, some file systems see no difference")


def _find_lookalike(part: str, names: Sequence[str]) -> str | None:
    folded = fold_path(part)
    return next((name for name in names if fold_path(name) == folded), None)


def _encode(file: FileOutput) -> bytes:
    try:
        return file.content.encode()
    except UnicodeEncodeError as error:
        raise RefusedPath(f"the content of {file.file_path} is not valid Unicode text") from error


def _check_place(root: Path, parts: Sequence[str]) -> None:
    *parents, name = parts
    with _naming(parts), suppress(FileNotFoundError), open_directory(root, parents) as directory:
        _check_target(name, directory)


def _write_file(root: Path, parts: Sequence[str], content: bytes) -> None:
    *parents, name = parts
    with _naming(parts), open_directory(root, parents, create=True) as directory:
        mode = _check_target(name, directory)
        if mode is not None:
            content = _keep_line_endings(content, name, directory)
        _replace(name, content, directory, mode)


@contextmanager
def _naming(parts: Sequence[str]) -> Iterator[None]:
    """Put the path before the reason why it is refused."""
    try:
        yield
    except RefusedPath as error:
        raise RefusedPath(f"path {'/'.join(parts)!r} is refused: {error}") from error


def _check_target(name: str, directory: int) -> int | None:
    """Return the mode of the file that stands there, None without one."""
    try:
        status = _stat_file(name, directory)
    except FileNotFoundError:
        return None
    if status.st_nlink > 1:
        raise RefusedPath("the file has several names, one of them maybe outside")
    return stat.S_IMODE(status.st_mode)


def _stat_file(name: str, directory: int) -> os.stat_result:
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        raise RefusedPath("a link, a directory or something else that is no file stands there")
    return status


def _keep_line_endings(content: bytes, name: str, directory: int) -> bytes:
    with os.fdopen(open_file(name, directory), "rb") as file:
        old = file.read()
    all_crlf = b"\n" in old and old.count(b"\n") == old.count(b"\r\n")
    return content.replace(b"\n", b"\r\n") if all_crlf and b"\r" not in content else content


def _replace(name: str, content: bytes, directory: int, mode: int | None) -> None:
    # Always the same for a name, so that what a killed attempt left is replaced.
    temporary = f".forge-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    with suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=directory)
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
