"""Which two calls of a run show what was repaired; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forge_obs import Interaction

from forge_cli.escape import escape_line
from forge_cli.views.calls.place import list_units
from forge_cli.views.outline import Outline, UnitOutline


@dataclass(frozen=True, slots=True)
class Repair:
    """Two calls of one unit of work, one after the other."""

    before: Interaction
    after: Interaction
    are_requests: bool = False
    """Whether they are two requests of one attempt."""


def list_repairs(outline: Outline) -> list[Repair]:
    """List what was repaired, the last first.

    Of each unit of work these are the last calls of its last two attempts. A unit with one attempt
    comes after all of these, with the last two requests of that attempt.
    """
    attempts = [repair for unit in list_units(outline) for repair in _find_attempts(unit)]
    requests = [repair for calls in _list_requests(outline) for repair in _find_requests(calls)]
    return [*_newest_first(attempts), *_newest_first(requests)]


def _newest_first(repairs: Sequence[Repair]) -> list[Repair]:
    return sorted(repairs, key=lambda repair: repair.after.id or 0, reverse=True)


def _find_attempts(unit: UnitOutline) -> Iterator[Repair]:
    called = [attempt for attempt in unit.attempts if attempt.calls]
    if len(called) > 1:
        yield Repair(called[-2].calls[-1], called[-1].calls[-1])


def _list_requests(outline: Outline) -> Iterator[Sequence[Interaction]]:
    yield outline.planner
    for unit in list_units(outline):
        called = [attempt for attempt in unit.attempts if attempt.calls]
        if len(called) == 1:
            yield called[0].calls


def _find_requests(calls: Sequence[Interaction]) -> Iterator[Repair]:
    if len(calls) > 1:
        yield Repair(calls[-2], calls[-1], are_requests=True)


def name_unit(call: Interaction) -> str:
    """Return the options that name the unit of work of a call."""
    step = f"--step {escape_line(call.step_id)}" if call.step_id else ""
    part = f" --sub-task {escape_line(call.sub_task_id)}" if call.sub_task_id else ""
    return step + part
