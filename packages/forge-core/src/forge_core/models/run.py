"""The names of a run, and what it waits for."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RunKey:
    """The ids that name one run."""

    task_id: str
    workflow_id: str
    run_id: str


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
    tokens: int | None = None
    """Tokens of a model's answer that have come so far, by estimate; None where nobody counts."""
