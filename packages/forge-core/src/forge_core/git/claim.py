"""The claim of one workflow on a task id.

See D45.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from forge_core.errors import TaskIdTaken
from forge_core.files.private import create_whole, sweep_unfinished
from forge_core.git.repository import check_task_id_free, claim_path, read_claim
from forge_core.git.worktree import find_task
from forge_core.locks.worktree_lock import exclusive


def claim_task(repo: Path, task_id: str, workflow_id: str) -> None:
    """Claim a task id for a workflow; the same workflow may do so again.

    The claim appears whole or not at all: a crash leaves none that names nobody.

    Raises:
        TaskIdTaken: Another workflow has it, or the task's branch is somebody else's.
    """
    while read_claim(repo, task_id) != workflow_id:
        # An error may be the work of another attempt at this very claim that was quicker.
        with suppress(FileExistsError, FileNotFoundError):
            _make_claim(repo, task_id, workflow_id)
    sweep_unfinished(claim_path(repo, task_id))


def check_claim(repo: Path, task_id: str, workflow_id: str) -> None:
    """Check that a workflow still has the task id that it claimed.

    Raises:
        TaskIdTaken: Somebody removed its claim; the message says who has the id by now.
    """
    owner = read_claim(repo, task_id)
    if owner != workflow_id:
        reason = (
            f"its claim on task id {task_id!r} was removed, with its branch and worktree"
            if owner is None
            else f"task id {task_id!r} now belongs to run {owner}"
        )
        raise TaskIdTaken(f"run {workflow_id} cannot continue: {reason}")


@contextmanager
def claimed_worktree(worktree: Path, workflow_id: str | None) -> Iterator[None]:
    """Hold the lock of a worktree after checking that the workflow still has its task id.

    Args:
        worktree: Of the task or of one of its sub-tasks.
        workflow_id: The run's; None checks nothing.

    Raises:
        TaskIdTaken: The claim is another workflow's by now, or gone.
        GitFailed: As `exclusive` has it.
    """
    with exclusive(worktree):
        if workflow_id is not None:
            check_claim(*find_task(worktree), workflow_id)
        yield


def _make_claim(repo: Path, task_id: str, workflow_id: str) -> None:
    try:
        check_task_id_free(repo, task_id)
    except TaskIdTaken:
        if read_claim(repo, task_id) != workflow_id:
            raise
    create_whole(claim_path(repo, task_id), f"{workflow_id}\n")
