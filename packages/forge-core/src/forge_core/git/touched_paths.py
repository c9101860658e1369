"""Which files of a worktree differ from those of a commit, whether git tracks them or not."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from stat import S_IXUSR

from forge_core.files.lookalikes import list_vacated
from forge_core.files.paths import is_plain
from forge_core.git.command import Git
from forge_core.git.contents.base_files import EXECUTABLE_MODE


@dataclass(frozen=True, slots=True)
class _Entry:
    """A path as a commit has it."""

    mode: str
    blob: str


def find_touched(worktree: Path, commit: str, paths: Sequence[str]) -> frozenset[str]:
    """Find those of the paths whose file is new, gone or another than the commit's.

    Contents are compared as git would store them. The commit is named rather than taken from
    HEAD, which is the attempt's own once an activity is executed again after it.

    Args:
        worktree: Where the files are.
        commit: What they are compared with.
        paths: Files that may have been written or removed.
    """
    entries = _list_entries(worktree, commit, paths)
    vacated = list_vacated(worktree, paths)
    files = [path for path in paths if path not in vacated and _is_file(worktree / path)]
    blobs = dict(zip(files, _hash_files(worktree, files), strict=True))
    return frozenset(
        path for path in paths if path in vacated or _differs(worktree, path, entries, blobs)
    )


def find_missing(worktree: Path, commit: str, paths: Sequence[str]) -> tuple[str, ...]:
    """List those of the paths that neither the worktree has nor, being sparse, the commit."""
    absent = [path for path in paths if not os.path.lexists(worktree / path)]
    entries = _list_entries(worktree, commit, list(filter(is_plain, absent)))
    # Of a directory and a file below it, git lists the file only.
    places = [*entries, *(above for name in entries for above in _list_parents(name))]
    return tuple(path for path in absent if path not in places)


def _list_parents(path: str) -> Iterator[str]:
    return (str(above) for above in PurePosixPath(path).parents)


def _list_entries(worktree: Path, commit: str, paths: Sequence[str]) -> dict[str, _Entry]:
    if not paths:
        return {}
    listing = Git(worktree).run("ls-tree", "-z", commit, "--", *paths)
    entries = {}
    for line in filter(None, listing.split("\0")):
        attributes, path = line.split("\t", 1)
        mode, _, blob = attributes.split()
        entries[path] = _Entry(mode, blob)
    return entries


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _hash_files(worktree: Path, paths: Sequence[str]) -> list[str]:
    """Return the ids of files' contents, after the filters of their paths."""
    if not paths:
        return []
    # No path that may be written has a line break or begins with a quotation mark.
    listing = b"".join(os.fsencode(path) + b"\n" for path in paths)
    return Git(worktree).run("hash-object", "--stdin-paths", stdin=listing).split("\n")


def _differs(worktree: Path, path: str, entries: dict[str, _Entry], blobs: dict[str, str]) -> bool:
    entry, blob = entries.get(path), blobs.get(path)
    if entry is None or blob is None:
        return entry is not None or os.path.lexists(worktree / path)
    is_executable = bool((worktree / path).stat().st_mode & S_IXUSR)
    return entry.blob != blob or is_executable != (entry.mode == EXECUTABLE_MODE)
