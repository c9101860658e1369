"""What a model is shown for one unit of work."""

from pydantic import BaseModel, ConfigDict, Field


class ContextStats(BaseModel):
    """How much of the repository went into one prompt."""

    model_config = ConfigDict(frozen=True)

    files_discovered: int = 0
    """Files of the worktree that could have been shown."""
    files_included_full: int = 0
    files_included_signatures: int = 0
    files_truncated: int = 0
    """Files left out or shortened because of the token budget."""
    total_estimated_tokens: int = 0
    """Estimated tokens of the whole prompt, instructions included."""
    budget_utilization: float = 0.0
    """`total_estimated_tokens` as a share of the budget less the output reserve."""
    repo_map_tokens: int = 0
    """Estimated tokens of the overview of the repository."""


class AssembledContext(BaseModel):
    """The prompts of one attempt, with the labels under which calls are recorded."""

    model_config = ConfigDict(frozen=True)

    task_id: str
    step_id: str | None = None
    sub_task_id: str | None = None
    workflow_id: str
    """The root workflow's id, in a sub-task too."""
    attempt: int = Field(default=1, ge=1)
    """Attempt at the unit of work."""
    step_attempt: int | None = None
    """Attempt of the step around a sub-task."""
    system_prompt: str
    user_prompt: str
    context_stats: ContextStats = ContextStats()
    max_tokens: int = Field(default=16_000, ge=1)
    """Largest answer to ask for, in tokens."""
