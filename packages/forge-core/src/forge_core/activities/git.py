"""Activities that claim, branch, commit and gather in the user's repository."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from temporalio import activity

from forge_core.errors import MergeConflict, WorktreeAstray
from forge_core.files.write import find_replaced
from forge_core.git.claim import check_claim, claim_task, claimed_worktree
from forge_core.git.commits.commit import (
    blob_ids,
    commit_files,
    drop_kept_commits,
    keep_commit,
)
from forge_core.git.commits.gather import gather_commits
from forge_core.git.commits.trailers import CommitTrailers
from forge_core.git.repository import read_claim
from forge_core.git.submodules import fill_submodules
from forge_core.git.worktree import (
    Worktree,
    ensure_sub_worktree,
    ensure_task_worktree,
    locate_sub_worktree,
    locate_task_worktree,
    remove_sub_worktrees,
    restore_worktree,
)
from forge_core.locks.worktree_lock import exclusive
from forge_core.models.activity import (
    CommitInput,
    CommitResult,
    CreateSubWorktreeInput,
    CreateWorktreeInput,
    GatherInput,
    GatherResult,
    RemoveSubWorktreesInput,
    ResetWorktreeInput,
    Workspace,
)
from forge_core.records.outcomes import ACCEPTED, Verdict, record_outcome
from forge_core.validation.commands.base_view import discard


@activity.defn(no_thread_cancel_exception=True)
def create_worktree(work: CreateWorktreeInput) -> Workspace:
    """Claim the task's id and make its branch and worktree, or find those made before."""
    repo = Path(work.repo_root)
    claim_task(repo, work.task_id, work.workflow_id)
    with _making(locate_task_worktree(repo, work.task_id)):
        worktree = ensure_task_worktree(repo, work.task_id, work.base_commit)
        if work.submodules:
            fill_submodules(repo, worktree.path, worktree.head)
        return _workspace(worktree)


@activity.defn(no_thread_cancel_exception=True)
def create_sub_worktree(work: CreateSubWorktreeInput) -> Workspace:
    """Make a sub-task's detached worktree at a commit, or bring it back there."""
    names = (Path(work.repo_root), work.task_id, work.step_id, work.sub_task_id)
    if work.workflow_id is not None:
        check_claim(Path(work.repo_root), work.task_id, work.workflow_id)
    with _making(locate_sub_worktree(*names)):
        return _workspace(ensure_sub_worktree(*names, work.commit))


@activity.defn(no_thread_cancel_exception=True)
def reset_worktree_to(work: ResetWorktreeInput) -> None:
    """Discard what an attempt left in a worktree."""
    worktree = Path(work.path)
    worktree.parent.mkdir(parents=True, exist_ok=True)
    with claimed_worktree(worktree, work.workflow_id):
        discard(worktree)
        restore_worktree(worktree, work.commit)


@activity.defn(no_thread_cancel_exception=True)
def commit_attempt(work: CommitInput) -> CommitResult:
    """Commit an attempt's files, or return the commit that holds them already.

    Of a failed attempt, what its tests left is committed, be it nothing.
    """
    try:
        done = _commit(work)
    except WorktreeAstray:
        if not work.failed:
            raise
        return CommitResult(commit_sha=None, head=work.parent, output_files={})
    outcome = None if work.failed else ACCEPTED
    record_outcome(work.entry_ids, Verdict(outcome, commit_sha=done.commit_sha))
    return done


def _commit(work: CommitInput) -> CommitResult:
    worktree = Path(work.worktree)
    trailers = CommitTrailers(work.workflow_id, work.step_id, work.attempt, work.entry_ids)
    with claimed_worktree(worktree, work.workflow_id):
        replaced = find_replaced(worktree, work.paths) if work.failed else ()
        paths = [path for path in work.paths if path not in replaced]
        sha = commit_files(
            worktree, paths, parent=work.parent, subject=work.subject, trailers=trailers
        )
        head = sha or work.parent
        _keep(work, head)
        output_files = blob_ids(worktree, head, paths)
    return CommitResult(commit_sha=sha, head=head, output_files=output_files)


@activity.defn(no_thread_cancel_exception=True)
def gather_sub_tasks(work: GatherInput) -> GatherResult:
    """Bring the commits of sub-tasks together in their step's worktree."""
    worktree = Path(work.worktree)
    try:
        with claimed_worktree(worktree, work.workflow_id):
            return GatherResult(paths=tuple(gather_commits(worktree, work.base, work.commits)))
    except MergeConflict as conflict:
        return GatherResult(error=str(conflict))


@activity.defn(no_thread_cancel_exception=True)
def remove_sub_task_worktrees(work: RemoveSubWorktreesInput) -> None:
    """Remove the worktrees and refs of a step's sub-tasks, but no worktrees of another run."""
    repo = Path(work.repo_root)
    if read_claim(repo, work.task_id) == work.workflow_id:
        remove_sub_worktrees(repo, work.task_id, work.step_id)
    drop_kept_commits(repo, work.workflow_id, work.step_id)


@contextmanager
def _making(worktree: Path) -> Iterator[None]:
    worktree.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(worktree):
        yield


def _keep(work: CommitInput, head: str) -> None:
    ref = work.kept
    if ref is not None and work.step_id is not None:
        names = (work.workflow_id, work.step_id, ref.step_attempt, ref.sub_task_id)
        keep_commit(Path(ref.repo_root), *names, head)


def _workspace(worktree: Worktree) -> Workspace:
    return Workspace(path=str(worktree.path), branch=worktree.branch, head=worktree.head)
