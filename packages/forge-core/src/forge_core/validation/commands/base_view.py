"""What stood before an attempt, put in the place of its files for a while.

Commands that judge the base run in the attempt's own worktree, where their caches and what they
built are, and where relative paths lead to the same. The attempt's files wait in git's own
directory of the worktree meanwhile, so that they are put back after a crash, too.
"""

import json
import os
import shutil
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISDIR, S_ISREG, S_IXUSR

from forge_core.files.paths import parse_path
from forge_core.files.protection import ANY_FILE
from forge_core.files.read import open_directory
from forge_core.files.write import write_changes
from forge_core.git.commits.receipt import locate_private
from forge_core.git.contents.base_files import read_base_files
from forge_core.models.changes import BaseFile, PlannedFile

NAME = "forge-set-aside"
"""Name of the file that holds what is set aside."""


@contextmanager
def base_in_place(worktree: Path, head: str, paths: Sequence[str]) -> Iterator[None]:
    """Let files stand as the commit has them, and bring them back.

    Args:
        worktree: Where they are.
        head: Hash of the commit.
        paths: Files that an attempt wrote or removed.

    Raises:
        RefusedPath: Files cannot be put back: a command changed what leads there.
    """
    base = read_base_files(worktree, head, paths)
    with set_aside(worktree, paths):
        write_state(worktree, [_plan_base(path, base.get(path)) for path in paths])
        yield


@contextmanager
def set_aside(worktree: Path, paths: Sequence[str]) -> Iterator[None]:
    """Keep files as they stand, and bring them back, whatever became of them.

    Raises:
        RefusedPath: Files cannot be put back: a command changed what leads there.
    """
    files = read_state(worktree, paths)
    place = locate_private(worktree) / NAME
    draft = place.with_name(f"{NAME}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(draft, flags, 0o600), "w") as file:
        json.dump([_build(entry) for entry in files], file)
    draft.replace(place)
    try:
        yield
    finally:
        write_state(worktree, files)
        place.unlink(missing_ok=True)


def bring_back(worktree: Path) -> None:
    """Put files back that a process set aside and could not bring back.

    Raises:
        RefusedPath: A command changed what leads there.
    """
    try:
        place = locate_private(worktree) / NAME
        documents = json.loads(place.read_text())
    except FileNotFoundError:
        return
    write_state(worktree, [_parse(document) for document in documents])
    place.unlink()


def read_state(worktree: Path, paths: Sequence[str]) -> list[PlannedFile]:
    """Read how files stand; of those that are gone, that they are."""
    return [_read(worktree, path) for path in paths]


def _plan_base(path: str, file: BaseFile | None) -> PlannedFile:
    if file is None:
        return PlannedFile(path, None, None)
    return PlannedFile(path, None, file.content, executable=file.executable)


def _read(worktree: Path, path: str) -> PlannedFile:
    place = worktree / path
    if not place.is_file() or place.is_symlink():
        return PlannedFile(path, None, None)
    executable = bool(place.stat().st_mode & S_IXUSR)
    return PlannedFile(path, None, place.read_bytes(), executable=executable)


def write_state(worktree: Path, files: Sequence[PlannedFile]) -> None:
    """Bring files to how they stood, whatever stands there now.

    Raises:
        RefusedPath: What leads there is another thing now.
    """
    for file in files:
        _clear(worktree, file.path)
    write_changes(worktree, files, ANY_FILE, was_checked=True)


def discard(worktree: Path) -> None:
    """Forget what was set aside: something else is to stand in the worktree."""
    with suppress(OSError):
        (locate_private(worktree) / NAME).unlink()


def _clear(worktree: Path, path: str) -> None:
    """Remove what a command put in the place of a file, and a file that has other names."""
    *parents, name = parse_path(path)
    with suppress(FileNotFoundError), open_directory(worktree, parents) as directory:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if S_ISDIR(status.st_mode):
            shutil.rmtree(name, dir_fd=directory)
        elif not S_ISREG(status.st_mode) or status.st_nlink > 1:
            os.unlink(name, dir_fd=directory)


def _build(file: PlannedFile) -> dict[str, object]:
    content = None if file.content is None else b64encode(file.content).decode()
    return {"path": file.path, "content": content, "executable": file.executable}


def _parse(document: dict[str, object]) -> PlannedFile:
    content, executable = document["content"], document["executable"]
    return PlannedFile(
        str(document["path"]),
        None,
        b64decode(content) if isinstance(content, str) else None,
        executable=executable if isinstance(executable, bool) else None,
    )
