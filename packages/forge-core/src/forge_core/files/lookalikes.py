"""Paths that some file systems take for the same, and renames from one to the other.

A rename that changes the case of a name alone is two paths of one answer: what is written, and what
goes. Where a file system tells them apart, they are two files; where it does not, they are one,
which has to go before it is written anew.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from forge_core.errors import RefusedPath
from forge_core.files.paths import fold_path
from forge_core.files.read import open_directory
from forge_core.models.changes import PlannedFile

Parts = tuple[str, ...]
"""A path, taken apart."""

NOTHING: Collection[Parts] = frozenset()


def fold_parts(parts: Sequence[str]) -> Parts:
    """Return what is equal for paths that some file system takes for the same."""
    return tuple(map(fold_path, parts))


def find_twins(files: Mapping[Parts, PlannedFile]) -> dict[Parts, PlannedFile]:
    """Find what goes so that its name can be written in another case, each with what is written."""
    written = {fold_parts(parts): file for parts, file in files.items() if file.content is not None}
    return {
        parts: twin
        for parts, file in files.items()
        if file.content is None and (twin := written.get(fold_parts(parts))) is not None
    }


def refuse_collisions(files: Sequence[tuple[Parts, PlannedFile]]) -> None:
    """Check that no file is named twice or is a directory of another, whatever its case.

    Raises:
        RefusedPath: One is, and not because it is renamed to what differs in case alone.
    """
    named = [fold_parts(parts) for parts, _ in files]
    twins = find_twins(dict(files))
    once = [fold_parts(parts) for parts, _ in files if parts not in twins]
    if len(set(once)) < len(once) or len({parts for parts, _ in files}) < len(files):
        raise RefusedPath("the answer names the same file twice")
    standing = set(named)
    for (parts, _), names in zip(files, named, strict=True):
        if any(names[:depth] in standing for depth in range(1, len(names))):
            raise RefusedPath(f"path {'/'.join(parts)!r} is refused: a part of it is a file too")


def refuse_lookalike(root: Path, parts: Parts, gone: Collection[Parts] = NOTHING) -> None:
    """Check that a name is not new beside one that some file system takes for it.

    Args:
        root: The worktree.
        parts: The path that is to be written.
        gone: Paths that go with the same answer.

    Raises:
        RefusedPath: It is.
    """
    for depth, part in enumerate(parts):
        with suppress(FileNotFoundError), open_directory(root, parts[:depth]) as directory:
            names = os.listdir(directory)  # noqa: PTH208 - by descriptor
            other = None if part in names else _find_lookalike(part, names)
            if other is not None and not _is_vacated(root, (*parts[:depth], other), gone):
                raise RefusedPath(f"{other!r} stands there, some file systems see no difference")


def list_vacated(root: Path, paths: Sequence[str]) -> frozenset[str]:
    """List the paths of which only another spelling stands, which is one of them too.

    A file system that takes both for the same says of either that it stands.
    """
    spellings: dict[str, set[str]] = {}
    for path in paths:
        spellings.setdefault(fold_path(path), set()).add(path)
    doubtful = [path for path in paths if len(spellings[fold_path(path)]) > 1]
    return frozenset(path for path in doubtful if not _stands_exactly(root, path))


def _find_lookalike(part: str, names: Sequence[str]) -> str | None:
    folded = fold_path(part)
    return next((name for name in names if fold_path(name) == folded), None)


def _is_vacated(root: Path, parts: Parts, gone: Collection[Parts]) -> bool:
    """Return whether all that stands at a path, or below it, goes."""
    return bool(gone) and all(path in gone for path in _list_files(root, parts))


def _list_files(root: Path, parts: Parts) -> Iterator[Parts]:
    place = root.joinpath(*parts)
    if place.is_symlink() or not place.is_dir():
        yield parts
        return
    for directory, _, names in os.walk(place):
        for name in names:
            yield Path(directory, name).relative_to(root).parts


def _stands_exactly(root: Path, path: str) -> bool:
    place = root
    for part in path.split("/"):
        if not place.is_dir() or part not in os.listdir(place):  # noqa: PTH208 - as it is spelled
            return False
        place /= part
    return True
