"""Two runs beside each other, their units of work paired; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from forge_obs import Interaction

from forge_cli.views.calls.outcome import Outcome, judge_call
from forge_cli.views.calls.place import list_units
from forge_cli.views.comparison.sections import list_sections, pair_sections
from forge_cli.views.costs import Prices, Tally, tally_calls
from forge_cli.views.json_text import load_object
from forge_cli.views.outline import PLANNER, Outline, build_outline
from forge_cli.views.run import RunView

Key: TypeAlias = tuple[str, str | None, str | None, int, int]
"""Role, step, sub-task, attempt of the step around a sub-task (0: none), and attempt."""


@dataclass(frozen=True, slots=True)
class Work:
    """One attempt of a run at a unit of work."""

    calls: tuple[Interaction, ...]
    outcome: Outcome
    tally: Tally
    """Sums over its calls."""


@dataclass(frozen=True, slots=True)
class WorkPair:
    """The same attempt in two runs."""

    role: str
    step_id: str | None
    sub_task_id: str | None
    step_attempt: int
    """0 where there is no sub-task."""
    attempt: int
    old: Work | None
    new: Work | None

    @property
    def name(self) -> str:
        """What it is called."""
        unit = "/".join(filter(None, (self.step_id, self.sub_task_id)))
        around = f"{self.step_attempt}." if self.step_attempt else ""
        if self.role == PLANNER and not unit:
            return self.role
        return f"{unit or 'task'} attempt {around}{self.attempt}"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs."""

    view: RunView
    calls: Sequence[Interaction]
    """Without their texts."""
    prices: Prices

    def build_outline(self) -> Outline:
        """Build its outline."""
        running = self.view.status == "running"
        return build_outline(self.view.result, self.calls, running=running)


@dataclass(frozen=True, slots=True)
class Setting:
    """Something that two runs were started with differently."""

    name: str
    old: str
    new: str


def pair_work(old: Side, new: Side) -> tuple[WorkPair, ...]:
    """Pair the attempts of two runs, in the order of the first.

    What only the second has stands behind the step that came before it there, or in its own.
    """
    before, after = dict(_list_work(old)), dict(_list_work(new))
    keys = list(before)
    previous: Key | None = None
    for key in after:
        if key not in before:
            keys.insert(_find_place(keys, previous, key), key)
        previous = key
    return tuple(WorkPair(*key, before.get(key), after.get(key)) for key in keys)


def _find_place(keys: Sequence[Key], previous: Key | None, key: Key) -> int:
    """Return where a key goes: behind the previous one and, if that is a step's, all of these."""
    place = 0 if previous is None else keys.index(previous) + 1
    if previous is not None and previous[1] != key[1]:
        while place < len(keys) and keys[place][1] == previous[1]:
            place += 1
    return place


def _list_work(side: Side) -> Iterator[tuple[Key, Work]]:
    outline = side.build_outline()
    if outline.planner:
        yield (PLANNER, None, None, 0, 1), _build_work(side, outline.planner, None)
    for unit in list_units(outline):
        for attempt in unit.attempts:
            if attempt.calls:
                first = attempt.calls[0]
                key = (
                    first.role,
                    first.step_id,
                    first.sub_task_id,
                    attempt.step_attempt or 0,
                    attempt.number,
                )
                yield key, _build_work(side, attempt.calls, judge_call(attempt.calls[-1], attempt))


def _build_work(side: Side, calls: tuple[Interaction, ...], outcome: Outcome | None) -> Work:
    return Work(calls, outcome or judge_call(calls[-1]), tally_calls(calls, side.prices))


COLUMNS = ("description", "repo_root", "base_commit", "model_name", "planned")
"""What a row says of how its run was started, where all of its options are not on record."""


def list_settings(old: RunView, new: RunView) -> list[Setting]:
    """List what two runs were started with differently."""
    before, after = (dict(_flatten(load_object(view.run.request_json))) for view in (old, new))
    if not before or not after:
        before, after = ({n: getattr(view.run, n) for n in COLUMNS} for view in (old, new))
    pairs = [(name, before.get(name), after.get(name)) for name in {**before, **after}]
    return [Setting(name, _to_text(a), _to_text(b)) for name, a, b in pairs if a != b]


def _flatten(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        elif f"{prefix}{name}" not in IDENTITIES:
            yield f"{prefix}{name}", value


IDENTITIES = frozenset({"task.task_id", "task_id", "workflow_id"})
"""What is never the same in two runs."""


def _to_text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None or value == "" else str(value)


@dataclass(frozen=True, slots=True)
class FirstDifference:
    """Where two runs part ways."""

    work: WorkPair
    what: str
    """What differs, in words."""
    old: Interaction | None = None
    new: Interaction | None = None
    """The calls that differ; None where one of the runs has no such call."""


def compare_texts(old: Interaction, new: Interaction) -> str:
    """Say what two calls differ in first; empty where they say the same.

    Args:
        old: A call with its texts.
        new: The other.
    """
    pairs = pair_sections(list_sections(old), list_sections(new))
    for pair in pairs:
        if pair.state != "same":
            return f"section {pair.section.title!r} of its prompt is {pair.state}"
    if (old.response, old.messages_json) != (new.response, new.messages_json):
        return "the same prompt has another answer"
    if old.status != new.status:
        return f"its request is {old.status!r} in the one and {new.status!r} in the other"
    return ""
