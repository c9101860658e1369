"""Words for what a run spent its time on, and what it waited for; pure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from forge_cli.render.figures import format_duration
from forge_cli.views.spending import BETWEEN, END, PAUSE, REPEAT, START, UNANSWERED

LEAST_S: Final = 0.05
"""Seconds from which on a wait is told."""

PURPOSES: Final = {"model": "model", "validation": "checks", "git": "git", "files": "files"}
"""Words for what time is spent on."""

WAITS: Final = {
    START: "for its first activity",
    REPEAT: "to repeat failed requests",
    UNANSWERED: "for requests whose outcome is unknown",
    PAUSE: "while it was paused",
    BETWEEN: "between activities, for Temporal or its worker",
    END: "for its end after the last activity",
}
"""Words for what a run waits for, in the order in which it is told."""

WAITS_OR_PAUSES: Final = {
    **WAITS,
    UNANSWERED: "for requests whose outcome is unknown, or paused",
    BETWEEN: "between activities, for Temporal, its worker or a pause",
}
"""The same where nobody knows for how long it was paused."""


def format_seconds(seconds: float) -> str:
    """Format a number of seconds as a duration."""
    return format_duration(timedelta(seconds=seconds))


def describe_waits(waits_s: Mapping[str, float], *, has_account: bool) -> str:
    """Say for how long a run waited for what; empty where it hardly waited.

    Args:
        waits_s: Seconds by what was waited for.
        has_account: Whether the run says for how long it was executed, so that pauses are known.
    """
    words = WAITS if has_account else WAITS_OR_PAUSES
    long = {name: s for name in words if (s := waits_s.get(name, 0.0)) >= LEAST_S}
    return ", ".join(f"{format_seconds(s)} {words[name]}" for name, s in long.items())


def describe_pause(paused_s: float) -> str:
    """Say how much of a duration was a pause, as the end of a sentence; empty without one."""
    return f", {format_seconds(paused_s)} of it paused" if paused_s else ""
