"""Locks that a killed git left in a worktree of ours."""

from pathlib import Path

from forge_core.git.command import Git
from forge_core.git.repository import BRANCHES


def remove_stale_locks(worktree: Path) -> None:
    """Remove the locks on a worktree's index, HEAD and branch.

    Only one activity at a time works in a worktree, so none of them belongs to a living git:
    it belongs to one that was killed, which git itself never notices.
    """
    git = Git(worktree)
    head = git.run("rev-parse", "--symbolic-full-name", "HEAD")
    branch = [head] if head.startswith(f"refs/heads/{BRANCHES}/") else []
    for name in ("index", "HEAD", *branch):
        lock = git.run("rev-parse", "--path-format=absolute", "--git-path", f"{name}.lock")
        Path(lock).unlink(missing_ok=True)
