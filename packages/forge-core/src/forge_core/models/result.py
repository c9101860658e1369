"""What a run reports: attempts, sub-tasks, steps and the task."""

from datetime import datetime
from typing import Literal

from forge_obs import LLMStats
from pydantic import Field

from forge_core.models.budget import NONE_SPENT, BudgetStop, Limits, Spending
from forge_core.models.call.context import ContextStats
from forge_core.models.call.llm import Untouched
from forge_core.models.changes import FileChange
from forge_core.models.frozen import FrozenModel
from forge_core.models.plan import Plan

TransitionSignal = Literal["success", "failure_retryable", "failure_terminal"]
"""What an attempt leads to: a commit, another attempt, or the end."""

RunStatus = Literal["running", "budget", "success", "failure_terminal", "cancelled", "error"]
"""State of a run; `budget` while it waits for a new limit, `error` where it could not be carried
out."""

OPEN_STATUSES = frozenset({"running", "budget"})
"""States of a run that has not ended."""

UnitStatus = Literal["running", "budget", "success", "failure_terminal", "cancelled"]
"""State of a task, a step or a sub-task; only a task waits for a new limit."""


class ValidationResult(FrozenModel):
    """The verdict of one check on one attempt."""

    check_name: str
    passed: bool
    summary: str
    """One line."""
    details: str | None = None
    """Output of the check, as far as a repair needs it."""
    duration_ms: float = 0.0
    unusable: bool = False
    """Whether the check could not be made, which no further attempt mends."""
    warning: bool = False
    """Whether it passed with something that a reader should see."""
    stood_before: bool = False
    """Whether it fails in the same way without the change."""
    beside_task: bool = False
    """Whether just those tests fail that fail without the change, and the task is about none."""


class PhaseDurations(FrozenModel):
    """Milliseconds that an attempt spent in each of its phases."""

    context: float = 0.0
    model: float = 0.0
    write: float = 0.0
    validation: float = 0.0
    git: float = 0.0


class AttemptResult(FrozenModel):
    """One attempt at a unit of work."""

    attempt: int
    signal: TransitionSignal
    llm_stats: LLMStats | None = None
    context_stats: ContextStats | None = None
    validation_results: tuple[ValidationResult, ...] = ()
    files: tuple[str, ...] = ()
    """Paths that the attempt wrote or removed."""
    changes: tuple[FileChange, ...] = ()
    """What the answer made of the files, before checks repaired them."""
    untouched: tuple[Untouched, ...] = ()
    """Files that the answer leaves as they are, and why."""
    commit_sha: str | None = None
    error: str | None = None
    error_type: str | None = None
    """Kind of the error, e.g. `llm.authentication`; None for failed checks."""
    started_at: datetime
    duration_ms: PhaseDurations = PhaseDurations()


class SubTaskResult(FrozenModel):
    """What became of one sub-task."""

    sub_task_id: str
    status: UnitStatus
    output_files: dict[str, str] = Field(default={})
    """Path to git blob id."""
    validation_results: tuple[ValidationResult, ...] = ()
    digest: str | None = None
    """The commit that holds the files, or None without one."""
    entry_ids: tuple[str, ...] = ()
    """Requests whose answers the files are of."""
    error: str | None = None
    llm_stats: LLMStats | None = None
    attempts: tuple[AttemptResult, ...] = ()
    spent: Spending = NONE_SPENT
    """What all its calls took."""


class StepResult(FrozenModel):
    """What became of one planned step."""

    step_id: str
    status: UnitStatus
    output_files: dict[str, str] = Field(default={})
    """Path to git blob id."""
    validation_results: tuple[ValidationResult, ...] = ()
    commit_sha: str | None = None
    error: str | None = None
    sub_task_results: tuple[SubTaskResult, ...] = ()
    llm_stats: LLMStats | None = None
    attempts: tuple[AttemptResult, ...] = ()


class TaskResult(FrozenModel):
    """What became of a run; partial while it is running."""

    task_id: str
    status: UnitStatus
    output_files: dict[str, str] = Field(default={})
    """Path to git blob id, of everything on the branch that the run wrote."""
    validation_results: tuple[ValidationResult, ...] = ()
    error: str | None = None
    worktree_path: str | None = None
    worktree_branch: str | None = None
    step_results: tuple[StepResult, ...] = ()
    plan: Plan | None = None
    llm_stats: LLMStats | None = None
    planner_stats: LLMStats | None = None
    context_stats: ContextStats | None = None
    attempts: tuple[AttemptResult, ...] = ()
    spent: Spending = NONE_SPENT
    """What all calls of the run took, as far as they have been counted."""
    limits: Limits = Limits()
    """What they may take."""
    elapsed_s: float = 0.0
    """Seconds that it was executed, without interruptions and waiting for a new limit."""
    budget_stop: BudgetStop | None = None
    """Why the run waits for a new limit; None while it does not."""
