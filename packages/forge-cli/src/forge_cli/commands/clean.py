"""``forge clean``: remove what runs that have ended left in a repository."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from forge_cli.exit_codes import ExitCode

Switch = Annotated[bool, Parameter(negative="", show_default=False)]


def clean(
    *tasks: str,
    merged: Switch = False,
    older_than: str | None = None,
    repo: Path = Path(),
    force: Switch = False,
    yes: Switch = False,
    dry_run: Switch = False,
) -> ExitCode:
    """Remove worktrees, branches and claims of runs that have ended.

    Without a choice of runs it lists what they left and removes nothing. A run that is running is
    never touched. What the store knows of a run stays, see `forge db prune`.

    Args:
        tasks: Ids of tasks, all of whose leftovers go.
        merged: Choose runs whose commits are all in another branch.
        older_than: Choose runs that ended longer ago than this, as 30d or 12h, or before a day, as
            2026-11-01. With --merged, runs of which both is true.
        repo: Directory in the git repository.
        force: Remove also what would be lost: commits that are in no other branch, changes that
            are not committed, runs that could be resumed.
        yes: Do not ask.
        dry_run: Say what would be removed, and remove nothing.
    """
    from forge_cli.cleaning import Choice, Manner, clean_repository  # noqa: PLC0415

    choice = Choice(tasks, merged=merged, older_than=older_than)
    return clean_repository(repo, choice, Manner(force=force, yes=yes, dry_run=dry_run))
