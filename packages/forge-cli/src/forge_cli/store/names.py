"""What users call a run by, and the runs that a name fits; pure.

A run is called by its workflow id, its task id or branch, or a beginning or an end of either id
that fits no other run. See D83.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from forge_cli.escape import escape_line

LAST = "@last"
"""The run that began last, in any repository: the first line of `forge status`."""

BRANCH = "forge/"
"""What the branch of a task is called before its task id."""

PREFIX = "forge-"
"""What every workflow id of Forge's own begins with, so that it tells nothing of a run."""

SHORTEST_PART = 3
"""Characters of an id that stand for all of it; fewer are too easily typed by mistake."""

ALIKE = 0.6
"""From which likeness on, of at most 1, a name is near another."""

MOST_NAMED = 5
"""Most names that an error proposes."""


class Named(Protocol):
    """What has the names of a run."""

    @property
    def workflow_id(self) -> str | None:
        """Its workflow id; None where nobody knows it any more."""

    @property
    def task_id(self) -> str:
        """Its task id."""


AnyNamed = TypeVar("AnyNamed", bound=Named)


def choose_runs(name: str, runs: Iterable[AnyNamed]) -> list[AnyNamed]:
    """Choose the runs that a name fits best, in their order.

    These are those with this workflow id; if there are none, those of this task; else those of
    whose workflow id or task id it is a beginning or an end.
    """
    candidates, task_id = list(runs), name.removeprefix(BRANCH)
    return (
        [run for run in candidates if run.workflow_id == name]
        or [run for run in candidates if run.task_id == task_id]
        or [run for run in candidates if _is_part(name, run)]
    )


def _is_part(name: str, run: Named) -> bool:
    """Return whether a name is the beginning or the end of one of a run's ids."""
    if not can_be_part(name):
        return False
    ids = (run.workflow_id or "", run.task_id)
    return any(text.startswith(name) or text.endswith(name) for text in ids)


def can_be_part(name: str) -> bool:
    """Return whether a name says enough to stand for a whole id."""
    return len(name) >= SHORTEST_PART and not PREFIX.startswith(name)


def fits_one_task(runs: Sequence[Named]) -> bool:
    """Return whether runs are all of one task."""
    return len({run.task_id for run in runs}) == 1


def list_near(name: str, names: Iterable[tuple[str, str]]) -> list[str]:
    """List the workflow ids of the runs whose names are nearest to an unknown one, at most five.

    Args:
        name: What fits no run.
        names: Workflow and task ids, newest first.
    """
    import difflib  # noqa: PLC0415 - for a mistake only

    candidates = list(dict.fromkeys(names))
    if len(name) < SHORTEST_PART:
        begun = [
            ids[0] for ids in candidates if name and any(text.startswith(name) for text in ids)
        ]
        return list(dict.fromkeys(begun))[:MOST_NAMED]
    containing = [ids[0] for ids in candidates if any(name in text for text in ids)]
    by_text = {
        text: ids[0]
        for ids in reversed(candidates)
        for whole in ids
        for text in _cut(whole, len(name))
    }
    alike = difflib.get_close_matches(name, by_text, n=2 * MOST_NAMED, cutoff=ALIKE)
    return list(dict.fromkeys([*containing, *(by_text[text] for text in alike)]))[:MOST_NAMED]


def _cut(whole: str, length: int) -> tuple[str, str, str]:
    """Return what of an id a name of some length may have been meant for."""
    return whole, whole[:length], whole[-length:]


def suggest(near: Sequence[str]) -> str:
    """Propose names that are near an unknown one, as the end of a sentence."""
    if not near:
        return ": `forge status` lists the recent ones"
    *others, last = map(escape_line, near)
    return f": did you mean {', '.join(others)}{' or ' if others else ''}{last}?"
