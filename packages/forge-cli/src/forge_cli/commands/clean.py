"""``forge clean``: remove what runs that have ended left in a repository."""

from dataclasses import dataclass
from pathlib import Path

from cyclopts import Group, Parameter

from forge_cli.exit_codes import ExitCode
from forge_cli.options.types import Place, Switch


@Parameter(name="*", group=Group("Which runs", sort_key=1))
@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which runs are meant, of those that were named or of all."""

    merged: Switch = False
    """Runs whose commits are all in another branch."""
    older_than: str | None = None
    """Runs that ended longer ago than this, as 30d or 12h, or before a day, as 2026-11-01."""


@Parameter(name="*", group=Group("How", sort_key=2))
@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How it is to be done."""

    force: Switch = False
    """Remove also unmerged commits, uncommitted changes and runs that could be resumed."""
    yes: Switch = False
    """Do not ask."""
    dry_run: Switch = False
    """Say what would be removed, and remove nothing."""


def clean(
    *tasks: str,
    repo: Place = Path(),
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
