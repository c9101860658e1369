"""The options of ``forge calls``, in groups; ``forge stats`` has some of them."""

from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from forge_cli.options.names import OptionalRun, OptionalTask, RecordedModel
from forge_cli.options.types import Switch, whole

MOST_CALLS = 100_000_000

CallStatus = Literal["started", "ok", "error"]
"""A call's status, as it is stored."""

Outcome = Literal["accepted", "refused", "unusable", "asked"]
"""What became of an answer."""

Place = Literal["prompts", "answers", "errors", "messages"]
"""What of a call is searched."""


@Parameter(name="*", group=Group("Which calls are meant", sort_key=1))
@dataclass(frozen=True, kw_only=True, slots=True)
class CallFilterOptions:
    """Which calls are meant, of any run or of none."""

    run: OptionalRun = None
    """Only calls of this run: anything that names it, or @last."""
    task: OptionalTask = None
    """Only calls of this task id."""
    step: str | None = None
    """Only calls of this step."""
    sub_task: str | None = None
    """Only calls of this sub-task."""
    attempt: Annotated[int | None, whole(1)] = None
    """Only calls of attempts with this number."""
    role: str | None = None
    """Only calls in this role: llm, planner or any other on record."""
    model: RecordedModel = None
    """Only calls that requested or were answered by this model: a name with or without provider:,
    its beginning, or a pattern such as 'claude-*'."""
    status: CallStatus | None = None
    """Only calls with this status; started means that no outcome is on record."""
    outcome: Outcome | None = None
    """Only calls whose answer was accepted, was refused (by checks, or since it does not fit the
    files), was unusable, or asked for more context."""
    session: str | None = None
    """Only calls of this session."""
    failed: Switch = False
    """Only calls that failed, whose answer was refused or unusable, or whose outcome is unknown."""
    since: str | None = None
    """Only calls made within this time, e.g. 30m, 2h or 7d, or since a day: today, yesterday or
    2026-11-01."""
    until: str | None = None
    """Only calls made before this time ago, or before a day."""


@Parameter(name="*", group=Group("How a text is searched", sort_key=2))
@dataclass(frozen=True, kw_only=True, slots=True)
class SearchOptions:
    """How a text is searched."""

    regex: Switch = False
    """The text is a regular expression, as Python has them; (?i) at its start ignores case."""
    places: Annotated[
        tuple[Place, ...], Parameter(name="--in", negative="", show_default=False)
    ] = ()
    """Search only these: prompts, answers, errors, or messages, which are conversations as their
    client sent them and what a model thought. May be given several times."""
    context: Annotated[int, whole(0, 1000)] = 0
    """Show this many lines before and after each hit."""
    count: Switch = False
    """Print only how many calls there are, of how many runs."""


@Parameter(name="*", group=Group("How many are shown", sort_key=3))
@dataclass(frozen=True, kw_only=True, slots=True)
class CallListOptions:
    """How many calls are shown."""

    limit: Annotated[int, whole(1, MOST_CALLS)] = 20
    """How many lines to print, newest first; --json, --jsonl and --csv: how many calls."""
