"""The claim of one workflow on a task id."""

from pathlib import Path

from forge_core.errors import TaskIdTaken
from forge_core.files.create import create_whole
from forge_core.git.repository import check_task_id_free, claim_path, read_claim


def claim_task(repo: Path, task_id: str, workflow_id: str) -> None:
    """Claim a task id for a workflow; the same workflow may do so again.

    The claim appears whole or not at all: a crash leaves none that names nobody.

    Raises:
        TaskIdTaken: Another workflow has it, or the task's branch is somebody else's.
    """
    if read_claim(repo, task_id) == workflow_id:
        return
    try:
        check_task_id_free(repo, task_id)
        create_whole(claim_path(repo, task_id), f"{workflow_id}\n")
    except FileExistsError:
        claim_task(repo, task_id, workflow_id)
    except TaskIdTaken:
        # Another attempt of this very activity may have been quicker.
        if read_claim(repo, task_id) != workflow_id:
            raise
