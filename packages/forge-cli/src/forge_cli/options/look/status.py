"""The options of ``forge status``, in groups."""

from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from forge_cli.options.names import OptionalTask, RecordedModel
from forge_cli.options.types import FULL, Switch, whole
from forge_cli.terminal.console import OutputFormat
from forge_cli.views.calls.selection import CallFilter

MOST_RUNS = 1_000_000

ShownStatus = Literal[
    "running",
    "interrupted",
    "budget",
    "success",
    "failed",
    "cancelled",
    "failure_terminal",
    "error",
]
"""A status as it is shown, or as documents have it."""


@Parameter(name="*", group=Group("Which runs are listed", sort_key=1))
@dataclass(frozen=True, kw_only=True, slots=True)
class ListOptions:
    """Which runs are listed."""

    task: OptionalTask = None
    """Only runs of this task id."""
    status: ShownStatus | None = None
    """Only runs with this status; failed stands for failure_terminal and error."""
    model: RecordedModel = None
    """Only runs that requested this model: a name with or without provider:, its beginning, or a
    pattern such as 'claude-*'. If no run requested it, runs that it answered, among the newest
    1,000."""
    since: str | None = None
    """Only runs that began within this time, e.g. 30m, 2h or 7d, or since a day: today, yesterday
    or 2026-11-01."""
    limit: Annotated[int, whole(1, MOST_RUNS)] = 20
    """How many runs to list, newest first."""


@Parameter(name="*", group=Group("Which calls of a run are shown", sort_key=2))
@dataclass(frozen=True, kw_only=True, slots=True)
class CallOptions:
    """Which calls of a run are shown."""

    step: str | None = None
    """Only calls of this step."""
    sub_task: str | None = None
    """Only calls of this sub-task."""
    attempt: Annotated[int | None, whole(1)] = None
    """Only calls of attempts with this number."""
    role: str | None = None
    """Only calls in this role: llm, planner or any other on record."""
    failed: Switch = False
    """Only calls that failed, whose answer was refused or unusable, or whose outcome is unknown."""

    @property
    def query(self) -> CallFilter:
        """The same for whoever reads."""
        return CallFilter(self.step, self.sub_task, self.attempt, self.role, self.failed)


@Parameter(name="*", group=Group("What is printed", sort_key=3))
@dataclass(frozen=True, kw_only=True, slots=True)
class OutputOptions:
    """How much is shown of a run, and in which form."""

    full: Annotated[bool, FULL] = False
    """With a run: show every model call in full, prompts and answer included."""
    json: Switch = False
    """Print one JSON document instead."""
    jsonl: Switch = False
    """Print one JSON document per line instead: each run, or one run and then each of its calls."""
    follow: Switch = False
    """Keep the list, or the run, up to date until it ends or you press Ctrl-C."""

    @property
    def format(self) -> OutputFormat:
        """What is printed on stdout."""
        return OutputFormat.choose(json=self.json, jsonl=self.jsonl)
