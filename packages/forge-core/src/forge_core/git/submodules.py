"""Submodules: directories whose files another repository has."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from forge_core.errors import RefusedPath
from forge_core.files.paths import parse_path
from forge_core.git.command import Git

SUBMODULE_MODE = "160000"
"""Git's mode of a submodule in a tree."""


def refuse_submodules(worktree: Path, paths: Sequence[str]) -> None:
    """Check that no path leads into a submodule of HEAD, where git commits no file.

    Raises:
        RefusedPath: One does, or is none that may be written anywhere.
    """
    parents = {path: tuple(_standing_parents(worktree, path)) for path in paths}
    submodules = _find_submodules(worktree, sorted(set().union(*parents.values())))
    for path, above in parents.items():
        inside = submodules.intersection(above)
        if inside:
            raise RefusedPath(f"path {path!r} is refused: {min(inside)!r} is a submodule")


def _standing_parents(worktree: Path, path: str) -> Iterator[str]:
    """Yield the existing directories on the way; a checkout makes one for each submodule."""
    above = PurePosixPath()
    for part in parse_path(path)[:-1]:
        above /= part
        if not (worktree / above).is_dir():
            return
        yield str(above)


def _find_submodules(worktree: Path, directories: Sequence[str]) -> set[str]:
    if not directories:
        return set()
    listing = Git(worktree).run("ls-tree", "-d", "-z", "HEAD", "--", *directories)
    entries = (entry.partition("\t") for entry in listing.split("\0"))
    return {path for attributes, _, path in entries if attributes.startswith(SUBMODULE_MODE)}
