"""Worktrees of runs and of sub-tasks, made, found again and removed.

See D45.
"""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from forge_core.errors import GitFailed, RepositoryError, WorktreeAstray
from forge_core.files.paths import WORKTREES
from forge_core.git.command import Git
from forge_core.git.repository import branch_exists, branch_name, common_directory
from forge_core.git.submodules import refill_submodules
from forge_core.locks.worktree_lock import exclusive, find_worktree

SUB_TASKS = ".sub"
"""Directory beside the runs' worktrees that holds those of sub-tasks."""

DETACHED = "HEAD"
"""What git calls the place of a worktree that is on no branch."""


@dataclass(frozen=True, slots=True)
class Worktree:
    """A worktree and where it stands."""

    path: Path
    branch: str | None
    """None where HEAD is detached."""
    head: str


def locate_task_worktree(repo: Path, task_id: str) -> Path:
    """Return where the worktree of a task is, or will be.

    Raises:
        RepositoryError: A link or a file is where all worktrees belong.
    """
    return worktrees_directory(repo) / task_id


def locate_sub_worktree(repo: Path, task_id: str, step_id: str, sub_task_id: str) -> Path:
    """Return where the worktree of a sub-task is, or will be.

    Raises:
        RepositoryError: A link or a file is where all worktrees belong.
    """
    return _step_directory(repo, task_id, step_id) / sub_task_id


def find_task(worktree: Path) -> tuple[Path, str]:
    """Return the repository and the task id of a worktree, also of a sub-task's; pure."""
    directory = next(path for path in worktree.parents if path.name == WORKTREES)
    first, *rest = worktree.relative_to(directory).parts
    return directory.parent, rest[0] if first == SUB_TASKS else first


def ensure_task_worktree(repo: Path, task_id: str, base_commit: str) -> Worktree:
    """Make the branch and worktree of a task, or find what was made before.

    The caller holds the claim on the task id, so what exists is its own.
    """
    path = locate_task_worktree(repo, task_id)
    branch = branch_name(task_id)
    _exclude_worktrees(repo)
    if _is_finished(repo, path, f"refs/heads/{branch}"):
        remove_stale_locks(path)
    else:
        _add_worktree(repo, path, base_commit, branch)
    return Worktree(path, branch, Git(path).run("rev-parse", "HEAD"))


def ensure_sub_worktree(
    repo: Path, task_id: str, step_id: str, sub_task_id: str, commit: str
) -> Worktree:
    """Make a sub-task's detached worktree at a commit, or bring it back there."""
    path = locate_sub_worktree(repo, task_id, step_id, sub_task_id)
    if _is_finished(repo, path, DETACHED):
        reset_worktree(path, commit)
    else:
        _add_worktree(repo, path, commit)
    return Worktree(path, None, commit)


def reset_worktree(path: Path, commit: str) -> None:
    """Bring a worktree back to a commit; everything else in it goes, ignored files too."""
    remove_stale_locks(path)
    git = Git(path)
    git.run("reset", "--quiet", "--hard", commit)
    git.run("clean", "--quiet", "-ffdx")
    _remove_special_files(path)


def _remove_special_files(directory: Path) -> None:
    """Remove pipes, sockets and devices, which git does not see."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_symlink() or entry.is_file(follow_symlinks=False):
                continue
            if entry.is_dir(follow_symlinks=False):
                _remove_special_files(Path(entry.path))
            else:
                Path(entry.path).unlink()


def restore_worktree(path: Path, commit: str) -> None:
    """Bring a worktree back to a commit, made anew where a test command made something else of it.

    Raises:
        GitFailed: Git does not do so.
    """
    repo, task_id = find_task(path)
    try:
        reset_worktree(path, commit)
    except WorktreeAstray:
        is_of_task = path.parent.name == WORKTREES
        _add_worktree(repo, path, commit, branch_name(task_id) if is_of_task else None)
        reset_worktree(path, commit)
    refill_submodules(repo, path, commit)


def describe_mishap(worktree: Path) -> str | None:
    """Return why a worktree is not where Forge made it; None where it is."""
    try:
        _locate_locks(Git(worktree))
    except WorktreeAstray as astray:
        return str(astray)
    return None


def remove_sub_worktrees(repo: Path, task_id: str, step_id: str) -> None:
    """Remove the worktrees of a step's sub-tasks, if there are any, once nobody works there."""
    directory = _step_directory(repo, task_id, step_id)
    existing = map(find_worktree, directory.iterdir()) if directory.is_dir() else ()
    for path in {*existing, *list_registered(repo, directory)}:
        path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(path):
            remove_worktree(repo, path)
    for empty in (directory, directory.parent, directory.parent.parent):
        with suppress(OSError):
            empty.rmdir()


def worktrees_directory(repo: Path) -> Path:
    """Return the directory of the worktrees of all runs.

    Raises:
        RepositoryError: A symbolic link or a file is there instead.
    """
    directory = repo / WORKTREES
    if directory.is_symlink():
        raise RepositoryError(
            f"{directory} is a symbolic link, but worktrees belong there: remove it"
        )
    if directory.exists() and not directory.is_dir():
        raise RepositoryError(
            f"{directory} is not a directory, but worktrees belong there: move it away"
        )
    return directory


def _add_worktree(repo: Path, path: Path, commit: str, branch: str | None = None) -> None:
    """Make a worktree in place of what is there: on a branch, made at a commit, else detached."""
    remove_worktree(repo, path)
    target: tuple[str, ...] = ("--detach", str(path), commit)
    if branch is not None:
        exists = branch_exists(repo, branch)
        target = (str(path), branch) if exists else ("-b", branch, str(path), commit)
    Git(repo).run("worktree", "add", "--quiet", *target)


def _step_directory(repo: Path, task_id: str, step_id: str) -> Path:
    return worktrees_directory(repo) / SUB_TASKS / task_id / step_id


def _is_finished(repo: Path, path: Path, ref: str) -> bool:
    """Return whether `path` is a worktree of this repository at `ref`, completely checked out."""
    if not (path / ".git").is_file():
        return False
    git = Git(path)
    try:
        place = git.run(
            "rev-parse",
            *("--path-format=absolute", "--show-toplevel", "--git-common-dir"),
            *("--symbolic-full-name", "HEAD"),
        )
        lock = git.run("rev-parse", "--path-format=absolute", "--git-path", "locked")
    except GitFailed:
        return False
    # "git worktree add" keeps its worktree locked until everything is checked out.
    half_made = Path(lock).exists() and Path(lock).read_text().strip() == "initializing"
    return place == f"{path.resolve()}\n{common_directory(repo)}\n{ref}" and not half_made


def list_registered(repo: Path, directory: Path) -> list[Path]:
    """List the worktrees below a directory that git knows of, whether they stand or not."""
    return [path for path in list_worktrees(repo) if path.is_relative_to(directory.resolve())]


def list_worktrees(repo: Path) -> dict[Path, str | None]:
    """Return the full name of the branch of each worktree, the checkout's too; None without one."""
    branches: dict[Path, str | None] = {}
    path = repo
    for line in Git(repo).run("worktree", "list", "--porcelain").split("\n"):
        word, _, rest = line.partition(" ")
        if word == "worktree":
            path = Path(rest)
            branches[path] = None
        elif word == "branch":
            branches[path] = rest
    return branches


def remove_worktree(repo: Path, path: Path) -> None:
    """Delete a worktree and what git knows of it; other worktrees are left alone."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)
    # Twice forced: one that is locked. It fails where git knows of none.
    Git(repo).succeeds("worktree", "remove", "--force", "--force", str(path))


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


def remove_stale_locks(worktree: Path) -> None:
    """Remove the locks on a worktree's index, HEAD and branch.

    Only one activity at a time works in a worktree, so none of them belongs to a living git:
    it belongs to one that was killed, which git itself never notices.

    Raises:
        WorktreeAstray: The worktree is not, or no longer, where Forge made it.
    """
    for lock in _locate_locks(Git(worktree)):
        lock.unlink(missing_ok=True)


def _locate_locks(git: Git) -> list[Path]:
    """Return where a worktree's locks are once it is certain that it is at Forge's own HEAD.

    A worktree without its ``.git`` file is a plain directory of the user's checkout: git would
    reset and clean that one. On another branch it would move that branch, and in another
    repository, put there by a test command, commit where nobody looks.
    """
    worktree = git.cwd.resolve()
    repo = next((p.parent for p in worktree.parents if p.name == WORKTREES), worktree)
    in_task = worktree.parent.name == WORKTREES
    expected = f"refs/heads/{branch_name(worktree.name)}" if in_task else "HEAD"
    names = dict.fromkeys(("index", "HEAD", expected))
    try:
        output = git.run(
            "rev-parse",
            *("--path-format=absolute", "--show-toplevel", "--git-common-dir"),
            *(word for name in names for word in ("--git-path", f"{name}.lock")),
            *("--symbolic-full-name", "HEAD"),
        )
    except GitFailed as error:
        raise WorktreeAstray(f"{worktree} is no longer a worktree: {error}") from error
    before, after = f"{worktree}\n{common_directory(repo)}\n", f"\n{expected}"
    if not (output.startswith(before) and output.endswith(after)):
        raise WorktreeAstray(
            f"{worktree} is no longer a worktree at {expected}: something changed it"
        )
    return [Path(lock) for lock in output[len(before) : -len(after)].split("\n")]
