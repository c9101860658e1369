"""Locks that a killed git left in a worktree of ours."""

from pathlib import Path

from forge_core.errors import GitFailed
from forge_core.files.paths import WORKTREES
from forge_core.git.command import Git
from forge_core.git.repository import branch_name, common_directory


def remove_stale_locks(worktree: Path) -> None:
    """Remove the locks on a worktree's index, HEAD and branch.

    Only one activity at a time works in a worktree, so none of them belongs to a living git:
    it belongs to one that was killed, which git itself never notices.

    Raises:
        GitFailed: The worktree is not, or no longer, where Forge made it.
    """
    for lock in _check_place(Git(worktree)):
        lock.unlink(missing_ok=True)


def _check_place(git: Git) -> list[Path]:
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
    told = git.run(
        "rev-parse",
        *("--path-format=absolute", "--show-toplevel", "--git-common-dir"),
        *(word for name in names for word in ("--git-path", f"{name}.lock")),
        *("--symbolic-full-name", "HEAD"),
    )
    before, after = f"{worktree}\n{common_directory(repo)}\n", f"\n{expected}"
    if not (told.startswith(before) and told.endswith(after)):
        raise GitFailed(f"{worktree} is no worktree at {expected} any more: something changed it")
    return [Path(lock) for lock in told[len(before) : -len(after)].split("\n")]
