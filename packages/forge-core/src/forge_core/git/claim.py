"""The claim of one workflow on a task id."""

import os
import secrets
from pathlib import Path

from forge_core.errors import TaskIdTaken
from forge_core.git.repository import (
    branch_exists,
    branch_name,
    check_task_id_free,
    claim_path,
    read_claim,
)


def claim_task(repo: Path, task_id: str, workflow_id: str) -> None:
    """Claim a task id for a workflow; the same workflow may do so again.

    The claim appears whole or not at all: a crash leaves none that names nobody.

    Raises:
        TaskIdTaken: Another workflow has it, or the task's branch is somebody else's.
    """
    if read_claim(repo, task_id) == workflow_id:
        return
    check_task_id_free(repo, task_id)
    claim = claim_path(repo, task_id)
    claim.parent.mkdir(parents=True, exist_ok=True)
    written = claim.with_name(f".{task_id}-{secrets.token_hex(4)}")
    try:
        with written.open("x") as file:
            file.write(workflow_id + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(written, claim)
    except FileExistsError:
        check_task_id_free(repo, task_id)
    finally:
        written.unlink(missing_ok=True)
    if branch_exists(repo, branch_name(task_id)):
        claim.unlink()
        raise TaskIdTaken(f"branch {branch_name(task_id)} exists already: choose another --task-id")
