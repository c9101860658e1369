"""``forge clean``: remove what runs that have ended left in a repository."""

from pathlib import Path

from forge_cli.exit_codes import ExitCode
from forge_cli.options.clean import Manner, Selection
from forge_cli.options.types import FilePath


def clean(
    *tasks: str,
    repo: FilePath = Path(),
    selection: Selection | None = None,
    manner: Manner | None = None,
) -> ExitCode:
    """Remove worktrees, branches and claims of runs that have ended.

    Without a choice of runs it lists what they left and removes nothing. A run that is running is
    never touched. What the store knows of a run stays, see `forge db prune`.

    Args:
        tasks: Ids of tasks, all of whose leftovers go.
        repo: Directory in the git repository.
        selection: Which runs are meant.
        manner: How it is to be done.
    """
    from forge_cli.actions.clean import clean_repository  # noqa: PLC0415 - imports Temporal

    return clean_repository(repo, tasks, selection or Selection(), manner or Manner())
