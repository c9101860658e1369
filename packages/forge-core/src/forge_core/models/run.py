"""A run as the record knows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunKey:
    """The ids that name one run."""

    task_id: str
    workflow_id: str
    run_id: str
