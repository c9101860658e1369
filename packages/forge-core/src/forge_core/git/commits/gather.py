"""Bringing the commits of sub-tasks together."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from forge_core.errors import MergeConflict
from forge_core.files.paths import fold_path
from forge_core.git.command import Git
from forge_core.git.commits.commit import Change, list_changes
from forge_core.git.worktree import reset_worktree

Owners = Mapping[str, tuple[str, Change]]
"""Path to the sub-task that changed it and what it became."""


def gather_commits(worktree: Path, base: str, commits: Mapping[str, str]) -> list[str]:
    """Take what each commit changed against `base` into a worktree; nothing is committed.

    The worktree is brought back to `base` first.

    Args:
        worktree: The step's worktree.
        base: The commit that all sub-tasks started from.
        commits: Sub-task id to commit.

    Returns:
        The changed paths, sorted.

    Raises:
        MergeConflict: Two sub-tasks changed the same path differently.
    """
    changes = {name: list_changes(worktree, base, sha) for name, sha in commits.items()}
    owners = _find_owners(changes)
    _refuse_files_in_files(owners)
    reset_worktree(worktree, base)
    for name, commit in commits.items():
        # A path that two deleted is gone after the first: git would not know it again.
        own = [path for path, (owner, _) in owners.items() if owner == name]
        if own:
            _check_out(worktree, commit, own)
    return sorted(owners)


def _check_out(worktree: Path, commit: str, paths: Iterable[str]) -> None:
    listing = b"".join(os.fsencode(path) + b"\0" for path in paths)
    from_stdin = ("--pathspec-from-file=-", "--pathspec-file-nul")
    Git(worktree).run("checkout", "--quiet", "--no-overlay", *from_stdin, commit, stdin=listing)


def _find_owners(changes: Mapping[str, Mapping[str, Change]]) -> Owners:
    owners: dict[str, tuple[str, Change]] = {}
    spellings: dict[str, tuple[str, str]] = {}
    for name, paths in changes.items():
        for path, change in paths.items():
            other, other_change = owners.setdefault(path, (name, change))
            if other_change != change:
                raise MergeConflict(f"sub-tasks {other} and {name} both changed {path!r}")
            other, other_path = spellings.setdefault(fold_path(path), (name, path))
            if other != name and other_path != path:
                raise MergeConflict(
                    f"sub-tasks {other} and {name} changed {other_path!r} and {path!r}, "
                    "which some file systems treat as the same path"
                )
    return owners


def _refuse_files_in_files(owners: Owners) -> None:
    files = {path for path, (_, change) in owners.items() if change.blob is not None}
    for path in sorted(files):
        above = next((p for p in map(str, PurePosixPath(path).parents) if p in files), None)
        if above is not None:
            raise MergeConflict(
                f"sub-task {owners[above][0]} made {above!r} a file, "
                f"sub-task {owners[path][0]} a directory"
            )
