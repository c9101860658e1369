"""The options of ``forge clean``, in groups."""

from dataclasses import dataclass

from cyclopts import Group, Parameter

from forge_cli.options.types import Switch


@Parameter(name="*", group=Group("Which runs", sort_key=1))
@dataclass(frozen=True, kw_only=True, slots=True)
class SelectionOptions:
    """Which runs to clean up after, of those that were named or of all."""

    merged: Switch = False
    """Runs whose commits are all in another branch."""
    older_than: str | None = None
    """Runs that ended longer ago than this, e.g. 30d or 12h, or before a date, e.g.
    2026-11-01."""


@Parameter(name="*", group=Group("How", sort_key=2))
@dataclass(frozen=True, kw_only=True, slots=True)
class RemovalOptions:
    """How leftovers are removed."""

    force: Switch = False
    """Also remove unmerged commits, uncommitted changes and runs that could be resumed."""
    yes: Switch = False
    """Do not ask for confirmation."""
    dry_run: Switch = False
    """Only say what would be removed."""
