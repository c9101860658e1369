"""The options of ``forge diff``."""

from dataclasses import dataclass

from cyclopts import Group, Parameter

from forge_cli.views.calls.selection import CallFilter


@Parameter(name="*", group=Group("Which calls of a run are compared", sort_key=1))
@dataclass(frozen=True, kw_only=True, slots=True)
class UnitOptions:
    """Which unit of work of a run is meant."""

    step: str | None = None
    """Of a run: this step. With one run its last two attempts, with two the last of each."""
    sub_task: str | None = None
    """Of a run: this sub-task, likewise."""

    @property
    def filter(self) -> CallFilter:
        """The same as a filter of calls."""
        return CallFilter(self.step, self.sub_task)
