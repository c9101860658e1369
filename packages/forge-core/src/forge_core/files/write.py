"""Writing and removing an answer's files, whole and never outside the worktree.

See D45.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from forge_core.errors import RefusedPath
from forge_core.files.lookalikes import find_twins, refuse_collisions, refuse_lookalike
from forge_core.files.paths import parse_path
from forge_core.files.protection import ORDINARY_FILES, WritePolicy
from forge_core.files.read import open_directory, open_file
from forge_core.models.changes import PlannedFile

NEW_FILE_MODE = 0o666
"""Mode of a new file, less the umask."""

ALL_READ = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
ALL_EXECUTE = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


def write_changes(
    root: Path,
    files: Sequence[PlannedFile],
    policy: WritePolicy = ORDINARY_FILES,
    *,
    was_checked: bool = False,
) -> list[str]:
    """Bring files of a worktree to what is planned and return their paths, in order.

    Every path and what stands there is checked before the first file is touched. Files are
    replaced as a whole and keep their mode, apart from being executable; those that go are removed
    when all others are written, unless their name is written in another case. What a killed attempt
    has done already is done again.

    Args:
        root: The worktree.
        files: What is to stand there; each stands as at the commit, or as planned already.
        policy: Refuses files that decide what is executed unless the user let them pass.
        was_checked: These files were written before and checks have repaired them since, so that
            nothing can be said of what stands there.

    Raises:
        RefusedPath: A path may not be written, stands twice, or something else stands there.
    """
    refusals = find_refusals(root, files, policy, was_checked=was_checked)
    if refusals:
        raise RefusedPath("; ".join(refusals))
    planned = {parse_path(file.path): file for file in files}
    twins = find_twins(planned)
    for parts in twins:
        _remove_file(root, parts)
    for parts, file in planned.items():
        if file.content is not None:
            _write_file(root, parts, file.content, executable=file.executable)
    for parts, file in planned.items():
        if file.content is None and parts not in twins:
            _remove_file(root, parts)
    return ["/".join(parts) for parts in planned]


def find_refusals(
    root: Path,
    files: Sequence[PlannedFile],
    policy: WritePolicy = ORDINARY_FILES,
    *,
    was_checked: bool = False,
) -> list[str]:
    """Find out why files may not be brought to what is planned; nothing is touched.

    Args:
        root: The worktree.
        files: What is to stand there.
        policy: Refuses files that decide what is executed.
        was_checked: Say nothing of the content that stands there.
    """
    try:
        planned = [(parse_path(file.path), file) for file in files]
        refuse_collisions(planned)
    except RefusedPath as refused:
        return [str(refused)]
    refusals = []
    try:
        policy.check(["/".join(parts) for parts, _ in planned])
    except RefusedPath as refused:
        refusals.append(str(refused))
    gone = {parts for parts, file in planned if file.content is None}
    twins = find_twins(dict(planned))
    for parts, file in planned:
        expected = None if was_checked else [file, *filter(None, [twins.get(parts)])]
        try:
            if parts not in twins:  # of which the new name may stand already
                with _naming(parts):
                    refuse_lookalike(root, parts, gone)
            _check_place(root, parts, expected)
        except RefusedPath as refused:
            refusals.append(str(refused))
    return refusals


def find_replaced(root: Path, paths: Sequence[str]) -> list[str]:
    """Find the paths at which something else than a file of ours stands; one may be missing."""

    def is_replaced(path: str) -> bool:
        """Return whether a link, a directory or a device stands at a path."""
        try:
            *parents, name = parse_path(path)
            with suppress(FileNotFoundError), open_directory(root, parents) as directory:
                _stat_file(name, directory)
        except RefusedPath:
            return True
        return False

    return [path for path in paths if is_replaced(path)]


def _check_place(root: Path, parts: Sequence[str], planned: Sequence[PlannedFile] | None) -> None:
    """Check what stands at a path; that it is what was planned on, if that is given."""
    *parents, name = parts
    with _naming(parts), suppress(FileNotFoundError), open_directory(root, parents) as directory:
        if _check_target(name, directory) is None or planned is None:
            return
        expected = {content for file in planned for content in (file.base, file.content)}
        if _read(name, directory) not in expected:
            raise RefusedPath("the file in the worktree is neither the commit's nor the answer's")


def _read(name: str, directory: int) -> bytes:
    with os.fdopen(open_file(name, directory), "rb") as file:
        return file.read()


def _write_file(
    root: Path, parts: Sequence[str], content: bytes, *, executable: bool | None
) -> None:
    *parents, name = parts
    with _naming(parts), open_directory(root, parents, create=True) as directory:
        old = _check_target(name, directory)
        mode = NEW_FILE_MODE if old is None else old
        if executable is not None:
            mode = _make_executable(mode) if executable else mode & ~ALL_EXECUTE
        _replace(name, content, directory, mode, is_new=old is None)


def _make_executable(mode: int) -> int:
    """Let everybody execute a file who may read it."""
    return mode | ((mode & ALL_READ) >> 2)


def _remove_file(root: Path, parts: Sequence[str]) -> None:
    """Remove a file, and the directories that hold nothing else, as git does."""
    *parents, name = parts
    with _naming(parts), suppress(FileNotFoundError), open_directory(root, parents) as directory:
        _check_target(name, directory)
        os.unlink(name, dir_fd=directory)
    for depth in range(len(parents), 0, -1):
        with suppress(OSError), open_directory(root, parents[: depth - 1]) as directory:
            os.rmdir(parents[depth - 1], dir_fd=directory)


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


def _replace(name: str, content: bytes, directory: int, mode: int, *, is_new: bool) -> None:
    # Always the same for a name, so that what a killed attempt left is replaced.
    temporary = f".forge-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    with suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=directory)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, mode, dir_fd=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if not is_new:  # Of a new one, the umask takes away.
                os.fchmod(file.fileno(), mode)
        os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        os.unlink(temporary, dir_fd=directory)
        raise
