"""What keeps a run that has not ended from going on: another run, or a worktree that is gone."""

from pathlib import Path

from forge_obs import Run, RunQuery, StoreReader

from forge_cli.views.run import RunView

MAX_TASK_RUNS = 20
"""Newest runs of a task that are looked at for the one that holds its id."""


def find_successor(reader: StoreReader, run: Run) -> str | None:
    """Return the run that took over a run's task id; None where none is known to have.

    The repository is asked only where a newer run of the task in it is on record.
    """
    newest = reader.list_recent_runs(MAX_TASK_RUNS, RunQuery(run.task_id))
    others = (other for other in newest if other.workflow_id != run.workflow_id)
    newer = any(o.repo_root == run.repo_root and o.created_at > run.created_at for o in others)
    owner = _read_claim(run) if newer else None
    return None if owner == run.workflow_id else owner


def _read_claim(run: Run) -> str | None:
    """Read who has the task id of a run, which may be of another program or of a stranger's store.

    Only ids of Forge's own are claimed: another one may lead to any file.
    """
    from forge_core.errors import GitFailed  # noqa: PLC0415 - seldom needed
    from forge_core.git.repository import read_claim  # noqa: PLC0415
    from forge_core.models.ids import is_identifier  # noqa: PLC0415

    if not run.repo_root or not is_identifier(run.task_id):
        return None
    try:
        return read_claim(Path(run.repo_root), run.task_id)
    except (GitFailed, OSError, ValueError):  # the repository is elsewhere or gone, or no path
        return None


def find_lack(view: RunView) -> str:
    """Name what a run that has not ended needs to go on, if that is gone or on another machine.

    A run makes its worktree before its first call.
    """
    from forge_core.files.paths import WORKTREES  # noqa: PLC0415 - seldom needed

    if not view.run.repo_root or not view.totals.calls:
        return ""
    repo = Path(view.run.repo_root)
    worktree = repo / WORKTREES / view.run.task_id
    return next((str(place) for place in (repo, worktree) if not _may_exist(place)), "")


def _may_exist(path: Path) -> bool:
    try:
        _ = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):  # nobody may look, or it is no path
        return True
    return True
