"""Which run has the task id of an interrupted one by now."""

from pathlib import Path

from forge_obs import Run, list_recent_runs
from sqlalchemy import Engine

NEWEST = 20
"""Runs of a task that are looked at."""


def find_successor(engine: Engine, run: Run) -> str | None:
    """Name the run that took over a run's task id; None where none is known to have.

    The repository is asked only where a newer run of the task in it is on record.

    Raises:
        StoreError: The store cannot be read.
    """
    newest = list_recent_runs(engine, NEWEST, task_id=run.task_id)
    others = (other for other in newest if other.workflow_id != run.workflow_id)
    newer = any(o.repo_root == run.repo_root and o.created_at > run.created_at for o in others)
    owner = _read_claim(run) if newer else None
    return None if owner == run.workflow_id else owner


def _read_claim(run: Run) -> str | None:
    from forge_core.errors import GitFailed  # noqa: PLC0415 - seldom needed
    from forge_core.git.repository import read_claim  # noqa: PLC0415

    try:
        return read_claim(Path(run.repo_root or ""), run.task_id) if run.repo_root else None
    except (GitFailed, OSError):  # the repository is elsewhere, or gone
        return None
