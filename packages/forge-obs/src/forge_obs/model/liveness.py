"""The status of a run as a reader shows it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

from forge_obs.model.columns import RUNNING

INTERRUPTED: Final = "interrupted"
"""Shown for a running run whose owner is gone; never stored."""

SILENCE: Final = timedelta(seconds=90)
"""After this long without a sign of life a run counts as interrupted."""


class OwnedRun(Protocol):
    """What of a run decides its shown status."""

    @property
    def status(self) -> str:
        """The stored status."""
        ...

    @property
    def owner_host(self) -> str | None:
        """Machine of the executing process."""
        ...

    @property
    def owner_pid(self) -> int | None:
        """Id of the executing process."""
        ...

    @property
    def owner_start(self) -> str | None:
        """When the executing process started."""
        ...

    @property
    def seen_at(self) -> datetime | None:
        """When the run last gave a sign of life."""
        ...

    @property
    def created_at(self) -> datetime | None:
        """When the run began."""
        ...


def shown_status(
    run: OwnedRun,
    *,
    now: datetime,
    host: str,
    is_alive: Callable[[int, str | None], bool],
) -> str:
    """Give the stored status, or `interrupted` for a running run whose owner is gone.

    Args:
        run: The run as stored.
        now: The current moment, with a time zone.
        host: Name of the machine that asks; a process elsewhere is judged by `seen_at` alone.
        is_alive: Tells whether the process with this id and start runs here.
    """
    if run.status != RUNNING:
        return run.status
    here = run.owner_host == host
    if here and run.owner_pid is not None and not is_alive(run.owner_pid, run.owner_start):
        return INTERRUPTED
    seen = run.seen_at or run.created_at
    return INTERRUPTED if seen is None or now - seen > SILENCE else RUNNING
