"""The options of ``forge stats``, beside those that say which calls are meant."""

from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from forge_cli.options.completers import complete_model
from forge_cli.options.types import whole

GroupedBy = Literal["model", "role", "step", "task", "day", "outcome", "error", "check", "session"]
"""What calls are grouped by."""


@Parameter(name="*", group=Group("What is added up", sort_key=2))
@dataclass(frozen=True, kw_only=True, slots=True)
class StatsOptions:
    """What is added up."""

    by: GroupedBy | None = None
    """A line for each model that was asked for, role, step, task, day (in your time zone), outcome,
    kind of failure, failed check or session, instead of all calls together."""
    as_model: Annotated[str | None, Parameter(completer=complete_model)] = None
    """Show also what the same tokens would have cost at this model, as provider:name."""
    limit: Annotated[int, whole(1, 1_000_000)] = 30
    """How many lines to print; of days the last."""
