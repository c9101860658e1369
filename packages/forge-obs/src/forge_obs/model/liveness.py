"""Which process executes a run, and the status of a run as a reader shows it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from forge_obs.model.columns import RUNNING
from forge_obs.model.rows import Run

INTERRUPTED: Final = "interrupted"
"""Shown for a running run whose owner is gone; never stored."""

SILENCE: Final = timedelta(seconds=90)
"""After this long without a sign of life a run counts as interrupted."""


@dataclass(frozen=True)
class Owner:
    """The process that executes a run.

    Attributes:
        start: When the process started, in words that only equality is asked of; None where the
            system does not tell.
    """

    host: str
    pid: int
    start: str | None


def shown_status(
    run: Run,
    *,
    now: datetime,
    host: str,
    is_alive: Callable[[int, str | None], bool],
) -> str:
    """Return the stored status, or `interrupted` for a running run whose owner is gone.

    Args:
        run: The run as stored.
        now: The current moment, with a time zone.
        host: Name of the machine that asks; a process elsewhere is judged by `seen_at` alone.
        is_alive: Returns whether the process with this id and start runs here.
    """
    if run.status != RUNNING:
        return run.status
    here = run.owner_host == host
    if here and run.owner_pid is not None and not is_alive(run.owner_pid, run.owner_start):
        return INTERRUPTED
    seen = run.seen_at or run.created_at
    return INTERRUPTED if seen is None or now - seen > SILENCE else RUNNING
