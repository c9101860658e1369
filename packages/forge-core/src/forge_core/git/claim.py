"""The claim of one workflow on a task id."""

from contextlib import suppress
from pathlib import Path

from forge_core.errors import TaskIdTaken
from forge_core.files.create import create_whole, sweep_unfinished
from forge_core.git.repository import check_task_id_free, claim_path, read_claim


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


def _make_claim(repo: Path, task_id: str, workflow_id: str) -> None:
    try:
        check_task_id_free(repo, task_id)
    except TaskIdTaken:
        if read_claim(repo, task_id) != workflow_id:
            raise
    create_whole(claim_path(repo, task_id), f"{workflow_id}\n")
