"""Bringing the commits of sub-tasks together."""

from collections.abc import Mapping
from pathlib import Path

from forge_core.errors import MergeConflict
from forge_core.git.command import Git


def gather_commits(worktree: Path, base: str, commits: Mapping[str, str]) -> list[str]:
    """Take what each commit changed against `base` into a worktree; nothing is committed.

    Args:
        worktree: The step's worktree, standing at `base`.
        base: The commit that all sub-tasks started from.
        commits: Sub-task id to commit.

    Returns:
        The changed paths, sorted.

    Raises:
        MergeConflict: Two sub-tasks changed the same path differently.
    """
    git = Git(worktree)
    changes = {name: _changes(git, base, commit) for name, commit in commits.items()}
    _refuse_conflicts(changes)
    for name, paths in changes.items():
        if paths:
            git.run("checkout", "--quiet", "--no-overlay", commits[name], "--", *paths)
    return sorted({path for paths in changes.values() for path in paths})


def _changes(git: Git, base: str, commit: str) -> dict[str, str]:
    """Return each changed path with the id of its new blob."""
    fields = git.run("diff-tree", "-r", "-z", "--no-renames", base, commit).split("\0")
    return {
        path: attributes.split()[3]
        for attributes, path in zip(fields[::2], fields[1::2], strict=False)
        if attributes
    }


def _refuse_conflicts(changes: Mapping[str, Mapping[str, str]]) -> None:
    owners: dict[str, tuple[str, str]] = {}
    for name, paths in changes.items():
        for path, blob in paths.items():
            other, other_blob = owners.setdefault(path, (name, blob))
            if other_blob != blob:
                raise MergeConflict(f"sub-tasks {other} and {name} both changed {path!r}")
    for path, (name, _) in owners.items():
        parents = path.split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            above = "/".join(parents[:depth])
            if above in owners:
                raise MergeConflict(
                    f"sub-task {owners[above][0]} made {above!r} a file, "
                    f"sub-task {name} a directory"
                )
