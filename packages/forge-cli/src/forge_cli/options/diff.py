"""The options of ``forge diff``."""

from dataclasses import dataclass

from cyclopts import Group, Parameter


@Parameter(name="*", group=Group("Which calls of a run are compared", sort_key=1))
@dataclass(frozen=True, kw_only=True, slots=True)
class UnitOptions:
    """Which unit of work of a run is meant."""

    step: str | None = None
    """Of a run: this step. With one run its last two attempts, with two the last of each."""
    sub_task: str | None = None
    """Of a run: this sub-task, likewise."""

    @property
    def is_any(self) -> bool:
        """Whether none is named."""
        return self.step is None and self.sub_task is None

    def describe(self) -> str:
        """Say which one is named."""
        parts = (("step", self.step), ("sub-task", self.sub_task))
        return " ".join(f"{kind} {name!r}" for kind, name in parts if name is not None)
