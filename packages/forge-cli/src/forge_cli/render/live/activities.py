"""What goes on in a run, as Temporal and the record tell it, and to which unit it belongs; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from forge_core.models.run import PendingActivity

from forge_cli.escape import escape_line
from forge_cli.render.figures import format_duration, name_retry
from forge_cli.views.outline import Outline, UnitOutline

WORDS = {
    "assemble_context": ("assembling", "assembling the context"),
    "assemble_planner_context": ("assembling", "assembling the planner's context"),
    "begin_run": ("starting", "starting the run"),
    "call_llm": ("asking", "asking the model"),
    "call_planner": ("asking", "asking the planner"),
    "commit_attempt": ("committing", "committing"),
    "create_sub_worktree": ("preparing", "making a worktree"),
    "create_worktree": ("preparing", "making the worktree"),
    "gather_sub_tasks": ("gathering", "gathering the sub-tasks"),
    "record_run": ("recording", "recording how it stands"),
    "remove_sub_task_worktrees": ("cleaning", "removing the sub-tasks' worktrees"),
    "reset_worktree_to": ("resetting", "resetting the worktree"),
    "validate_output": ("checking", "checking what was written"),
    "write_output": ("writing", "writing files"),
}
"""What goes on, in a word and in some, by the activity's name; any other is called by it."""

OF_PLANNER = frozenset({"assemble_planner_context", "call_planner"})

OF_RUN = frozenset({"begin_run", "create_worktree", "record_run"})
"""Activities of the whole run."""

ASKING = "asking"

NEVER_TRIED_AFTER = timedelta(seconds=2)
"""From when on it is worth a line that no worker takes an activity."""

Place = tuple[str, ...]
"""Whose an activity is: () for the run, one name for a step, two for a sub-task."""

PLANNER: Place = ("", "planner")
"""The planner's place, which no step can have: its name would be empty."""


@dataclass(frozen=True, slots=True)
class Doing:
    """What one unit is about."""

    word: str
    since: datetime | None
    """When it began to be."""
    tokens: int = 0
    """Tokens of an answer that have come so far, by estimate."""
    remark: str = ""
    """Why it takes longer than it should; empty if it does not."""


def place_activities(
    root_id: str, outline: Outline, pending: Iterable[PendingActivity], now: datetime
) -> dict[Place, Doing]:
    """Return what goes on by whose it is: Temporal's activities, and requests that are out.

    Args:
        root_id: The run's workflow id.
        outline: What is on record of it.
        pending: What the server says of it, if it was asked.
        now: The present moment.
    """
    places: dict[Place, Doing] = {}
    for activity in sorted(pending, key=lambda one: (one.workflow_id, _order(one.activity_id))):
        place = _find_place(root_id, outline, activity)
        doing = _describe_doing(activity, now)
        places[place] = _join(places[place], doing) if place in places else doing
    if not places:
        for call in outline.list_in_flight():
            names = (call.step_id, call.sub_task_id)
            place = PLANNER if call in outline.planner else tuple(name for name in names if name)
            places[place or ("",)] = Doing(ASKING, call.created_at)
    return places


def _describe_doing(activity: PendingActivity, now: datetime) -> Doing:
    """Say in a word what an activity is about, and what keeps it."""
    word = WORDS.get(activity.name, (escape_line(activity.name), ""))[0]
    failure = f": {escape_line(activity.failure)}" if activity.failure else ""
    if activity.next_attempt_at is not None:
        left = format_duration(activity.next_attempt_at - now)
        retry = name_retry(activity.attempt) or "tried again"
        return Doing("retrying", activity.since, 0, f"{retry} in {left}{failure}")
    if not activity.running:
        waits = now - activity.since >= NEVER_TRIED_AFTER
        remark = f"no worker takes it yet ({word})" if waits else ""
        return Doing("queued", activity.since, 0, remark)
    retry = name_retry(activity.attempt)
    remark = f"{retry}{failure}" if retry else ""
    return Doing(word, activity.since, activity.tokens or 0, remark)


def name_place(place: Place) -> str:
    """Name whose an activity is."""
    return " / ".join(escape_line(name) for name in place if name) or "run"


def describe_activity(root_id: str, activity: PendingActivity) -> str:
    """Name an activity in some words, after the sub-task that it belongs to."""
    path = _split(root_id, activity)
    where = f"{escape_line(path[0])} / {escape_line(path[-1])}: " if len(path) > 1 else ""
    return where + WORDS.get(activity.name, ("", escape_line(activity.name)))[1]


def find_current(units: Sequence[UnitOutline]) -> UnitOutline | None:
    """Find the unit that the run is at: the first that has not ended."""
    return next((unit for unit in units if not unit.has_ended), None)


def _find_place(root_id: str, outline: Outline, activity: PendingActivity) -> Place:
    path = _split(root_id, activity)
    if len(path) > 1:
        return (path[0], path[-1])
    if activity.name in OF_PLANNER:
        return PLANNER
    unit = find_current(outline.units)
    return () if unit is None or activity.name in OF_RUN else (unit.name,)


def _split(root_id: str, activity: PendingActivity) -> list[str]:
    """Split what a sub-task's workflow id has after its root's: step, attempt, sub-task."""
    return activity.workflow_id.removeprefix(root_id).strip("/").split("/")


def _order(activity_id: str) -> tuple[int, str]:
    return (int(activity_id) if activity_id.isdecimal() else 0, activity_id)


def _join(one: Doing, other: Doing) -> Doing:
    """Put two activities of a unit together; each word stands once."""
    words = dict.fromkeys([*one.word.split(", "), other.word])
    remarks = filter(None, dict.fromkeys([one.remark, other.remark]))
    return replace(
        one,
        word=", ".join(words),
        tokens=one.tokens + other.tokens,
        remark="; ".join(remarks),
    )
