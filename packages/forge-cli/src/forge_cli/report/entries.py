"""What a report says of units of work, attempts and calls: values for the page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextLink:
    """A text that the page unpacks when it is opened."""

    number: int
    title: str
    size: str
    kind: str = "text"
    """`text`, or `diff` for one whose lines are coloured."""


@dataclass(frozen=True, slots=True)
class CallEntry:
    """A request to a model."""

    anchor: str
    name: str
    status: str
    """`good`, `bad` or `open`, by which it is coloured."""
    outcome: str
    reason: str
    figures: str
    answer: tuple[TextLink, ...]
    prompt: tuple[TextLink, ...]
    prompt_size: str


@dataclass(frozen=True, slots=True)
class Check:
    """The verdict of a check."""

    name: str
    status: str
    """`good`, `bad`, or `none` for one that did not apply."""
    verdict: str
    summary: str
    details: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a unit of work."""

    anchor: str
    name: str
    status: str
    state: str
    commit: str
    reason: str
    figures: str
    changes: tuple[str, ...]
    checks: tuple[Check, ...]
    calls: tuple[CallEntry, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A step, a sub-task, the planner, or a task without a plan."""

    anchor: str
    kind: str
    name: str
    status: str
    state: str
    description: str
    commit: str
    error: str
    figures: str
    attempts: tuple[Attempt, ...] = ()
    parts: tuple["Unit", ...] = ()
    calls: tuple[CallEntry, ...] = ()
    """Those of the planner, which has no attempts."""
