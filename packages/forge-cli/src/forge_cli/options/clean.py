"""The options of ``forge clean``, in groups."""

from dataclasses import dataclass

from cyclopts import Group, Parameter

from forge_cli.options.types import Switch


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
