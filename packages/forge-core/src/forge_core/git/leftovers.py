"""What runs left in a repository: claims, worktrees and branches; and removing it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from forge_core.errors import GitFailed
from forge_core.git.command import Git
from forge_core.git.commits.commit import drop_refs
from forge_core.git.commits.trailers import parse_trailers
from forge_core.git.repository import (
    BRANCHES,
    branch_name,
    claim_path,
    common_directory,
    read_claim,
)
from forge_core.git.worktree import (
    SUB_TASKS,
    list_registered,
    list_worktrees,
    remove_worktree,
    worktrees_directory,
)
from forge_core.locks.worktree_lock import exclusive, find_worktree
from forge_core.models.ids import is_identifier


@dataclass(frozen=True, slots=True)
class Leftover:
    """What one task left."""

    task_id: str
    workflow_id: str | None
    """The run that claims the task id; None where the claim is gone."""
    worktree: Path | None
    changed: bool
    """Whether the worktree holds changes that are not committed."""
    branch: str | None
    head: str | None
    """Hash of the branch's last commit."""
    is_empty: bool
    """Whether the branch has no commit of the run."""
    unmerged: int
    """Commits of the branch that no other branch, tag or remote branch has."""
    checked_out: Path | None
    """Another worktree that has the branch checked out."""
    used_at: datetime
    """When it was claimed or committed to last, in UTC."""


def list_leftovers(repo: Path) -> list[Leftover]:
    """List what runs left in a repository, by task id.

    A branch of which there is neither a claim nor a worktree is nobody's business: the user may
    have made it, or kept it.

    Args:
        repo: Top of the checkout.
    """
    claims = common_directory(repo) / "forge" / "claims"
    names = {path.name for path in _list(claims) if path.is_file()}
    names |= {path.name for path in _list(worktrees_directory(repo))}
    worktrees = list_worktrees(repo).items()
    places = {branch: path.resolve() for path, branch in worktrees if branch is not None}
    return [_look(repo, name, places) for name in sorted(names) if is_identifier(name)]


def remove_leftover(repo: Path, leftover: Leftover) -> None:
    """Remove worktrees, branch and kept commits of a task, and last its claim.

    Raises:
        WorktreeBusy: An activity, or a git that it started, works in the worktree.
        GitFailed: Git refuses; what is left is listed again.
    """
    task_id = leftover.task_id
    for path in _list_sub_worktrees(repo, task_id):
        remove_worktree(repo, path)
    if leftover.worktree is not None:
        with exclusive(leftover.worktree, deadline_s=0.0):
            remove_worktree(repo, leftover.worktree)
    if leftover.branch is not None:
        Git(repo).run("branch", "--quiet", "-D", leftover.branch)
    if leftover.workflow_id is not None:
        drop_refs(repo, f"refs/forge/{leftover.workflow_id}")
    claim_path(repo, task_id).unlink(missing_ok=True)


def _look(repo: Path, task_id: str, places: dict[str, Path]) -> Leftover:
    git, branch = Git(repo), branch_name(task_id)
    worktree = worktrees_directory(repo) / task_id
    stands = worktree.is_dir()
    head = git.run("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
    place = places.get(f"refs/heads/{branch}")
    workflow_id, unmerged = read_claim(repo, task_id), _count_unmerged(git, head) if head else 0
    return Leftover(
        task_id=task_id,
        workflow_id=workflow_id,
        worktree=worktree if stands else None,
        changed=stands and _has_changes(worktree),
        branch=branch if head else None,
        head=head or None,
        is_empty=bool(head) and not unmerged and not _is_made_by(git, head, workflow_id),
        unmerged=unmerged,
        checked_out=place if place not in {None, worktree.resolve()} else None,
        used_at=_last_use(git, claim_path(repo, task_id), head, worktree),
    )


def _has_changes(worktree: Path) -> bool:
    """Return whether a worktree holds what its branch does not; one that git cannot read does."""
    if not (worktree / ".git").is_file():
        return any(worktree.iterdir())
    try:
        return bool(Git(worktree).run("status", "--porcelain", "-z"))
    except GitFailed:
        return True


def _count_unmerged(git: Git, head: str) -> int:
    others = (f"--exclude={BRANCHES}/*", "--branches", "--remotes", "--tags", "HEAD")
    return int(git.run("rev-list", "--count", head, "--not", *others))


def _is_made_by(git: Git, head: str, workflow_id: str | None) -> bool:
    """Return whether a run made a commit; any run of ours, if its claim is gone."""
    trailers = parse_trailers(git.run("show", "--no-patch", "--format=%B", head))
    return trailers is not None and workflow_id in {None, trailers.workflow_id}


def _last_use(git: Git, claim: Path, head: str, worktree: Path) -> datetime:
    present = [path.stat().st_mtime for path in (claim, worktree) if path.exists()]
    if head and not claim.exists():
        present.append(float(git.run("show", "--no-patch", "--format=%ct", head)))
    return datetime.fromtimestamp(max(present, default=0.0), UTC)


def _list_sub_worktrees(repo: Path, task_id: str) -> Iterator[Path]:
    directory = worktrees_directory(repo) / SUB_TASKS / task_id
    existing = {find_worktree(path) for step in _list(directory) for path in _list(step)}
    yield from sorted({*existing, *list_registered(repo, directory)})


def _list(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.is_dir() else []
