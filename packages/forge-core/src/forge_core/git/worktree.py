"""Worktrees of runs and of sub-tasks, made, found again and removed."""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from forge_core.git.command import Git
from forge_core.git.repository import WORKTREES, branch_exists, branch_name, common_directory

SUB_TASKS = ".sub"
"""Directory beside the runs' worktrees that holds those of sub-tasks."""


@dataclass(frozen=True, slots=True)
class Worktree:
    """A worktree and where it stands."""

    path: Path
    branch: str | None
    """None where HEAD is detached."""
    head: str


def ensure_task_worktree(repo: Path, task_id: str, base_commit: str) -> Worktree:
    """Make the branch and worktree of a task, or find what was made before.

    The caller holds the claim on the task id, so what exists is its own.
    """
    path = repo / WORKTREES / task_id
    branch = branch_name(task_id)
    _exclude_worktrees(repo)
    if not _is_worktree(repo, path):
        _remove(repo, path)
        create = () if branch_exists(repo, branch) else ("-b", branch)
        start = branch if not create else base_commit
        Git(repo).run("worktree", "add", "--quiet", *create, str(path), start)
    return Worktree(path, branch, Git(path).run("rev-parse", "HEAD"))


def ensure_sub_worktree(
    repo: Path, task_id: str, step_id: str, sub_task_id: str, commit: str
) -> Worktree:
    """Make a sub-task's detached worktree at a commit, or bring it back there."""
    path = _step_directory(repo, task_id, step_id) / sub_task_id
    if _is_worktree(repo, path):
        reset_worktree(path, commit)
    else:
        _remove(repo, path)
        Git(repo).run("worktree", "add", "--quiet", "--detach", str(path), commit)
    return Worktree(path, None, commit)


def reset_worktree(path: Path, commit: str) -> None:
    """Bring a worktree back to a commit; everything else in it goes."""
    git = Git(path)
    lock = Path(git.run("rev-parse", "--path-format=absolute", "--git-path", "index.lock"))
    lock.unlink(missing_ok=True)
    git.run("reset", "--quiet", "--hard", commit)
    git.run("clean", "--quiet", "-ffdx")


def remove_sub_worktrees(repo: Path, task_id: str, step_id: str) -> None:
    """Remove the worktrees of a step's sub-tasks, if there are any."""
    directory = _step_directory(repo, task_id, step_id)
    if directory.is_dir():
        for path in directory.iterdir():
            _remove(repo, path)
        directory.rmdir()
    for parent in (directory.parent, directory.parent.parent):
        with suppress(OSError):
            parent.rmdir()


def _step_directory(repo: Path, task_id: str, step_id: str) -> Path:
    return repo / WORKTREES / SUB_TASKS / task_id / step_id


def _is_worktree(repo: Path, path: Path) -> bool:
    """Tell whether `path` is a whole worktree of this repository."""
    if not (path / ".git").is_file() or not Git(path).succeeds("rev-parse", "--verify", "HEAD"):
        return False
    git = Git(path)
    return Path(git.run("rev-parse", "--show-toplevel")) == path.resolve() and common_directory(
        path
    ) == common_directory(repo)


def _remove(repo: Path, path: Path) -> None:
    git = Git(repo)
    git.succeeds("worktree", "remove", "--force", "--force", str(path))
    if path.exists():
        shutil.rmtree(path)
    git.run("worktree", "prune")


def _exclude_worktrees(repo: Path) -> None:
    """Keep our worktrees out of the user's ``git status``."""
    exclude = common_directory(repo) / "info" / "exclude"
    line = f"/{WORKTREES}/"
    text = exclude.read_text(errors="surrogateescape") if exclude.exists() else ""
    if line in text.splitlines():
        return
    exclude.parent.mkdir(exist_ok=True)
    separator = "" if not text or text.endswith("\n") else "\n"
    with exclude.open("a") as file:
        file.write(f"{separator}{line}\n")
