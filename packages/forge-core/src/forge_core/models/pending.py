"""What a run waits for at a moment, as Temporal tells it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PendingActivity:
    """An activity that has been scheduled and has not ended."""

    workflow_id: str
    """The root workflow's, or that of a sub-task."""
    activity_id: str
    name: str
    attempt: int
    """Temporal's, from 1."""
    since: datetime
    """When the attempt was started, or the activity scheduled."""
    running: bool
    """False while it waits for a worker or for its next attempt."""
    failure: str | None = None
    """Why the attempt before failed."""
    next_attempt_at: datetime | None = None
    """When it is tried again, if it waits for that."""
