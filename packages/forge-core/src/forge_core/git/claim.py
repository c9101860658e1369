"""The claim of one workflow on a task id."""

import os
import secrets
from pathlib import Path

from forge_core.errors import TaskIdTaken
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
        _create_whole(claim_path(repo, task_id), f"{workflow_id}\n")
    except FileExistsError:
        claim_task(repo, task_id, workflow_id)
    except TaskIdTaken:
        # Another attempt of this very activity may have been quicker.
        if read_claim(repo, task_id) != workflow_id:
            raise


def _create_whole(path: Path, text: str) -> None:
    """Make a file that must not exist yet; it is on disk, with its text, once it has its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        with written.open("x") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(written, path)
    finally:
        written.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
