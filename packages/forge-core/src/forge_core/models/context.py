"""What a model is shown for one unit of work."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FILE_LIMIT_BYTES = 1_000_000
"""Size up to which a file is shown."""


class ContextStats(BaseModel):
    """How much of the repository went into one prompt."""

    model_config = ConfigDict(frozen=True)

    files_discovered: int = 0
    """Files of the worktree that could have been shown."""
    files_included_full: int = 0
    files_included_signatures: int = 0
    """Files shown by their declarations only, in the map or on their own."""
    files_truncated: int = 0
    """Files left out or shortened because of the token budget."""
    files_left_out: dict[str, int] = Field(default_factory=dict)
    """Why files are left out by default (binary, vendored, too large ...) to their number."""
    files_unparsed: int = 0
    """Python files whose imports and declarations could not be read."""
    unparsed: tuple[str, ...] = ()
    """The first of these, each with the reason."""
    total_estimated_tokens: int = 0
    """Estimated tokens of the whole prompt, instructions included."""
    budget_utilization: float = 0.0
    """`total_estimated_tokens` as a share of the budget less the output reserve."""
    repo_map_tokens: int = 0
    """Estimated tokens of the map of the repository."""


class ContextEntry(BaseModel):
    """One part of a prompt, or one that found no room in it.

    A file that the map shows is an entry of its own besides the map's; its tokens are part of
    the map's.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    name: str
    """What it is about, e.g. a file's path; empty where the kind says it all."""
    path: str | None = None
    """The file that it shows; None for what is no file of the repository."""
    form: Literal["text", "full", "signatures", "omitted"]
    tokens: int
    """Estimated."""
    reason: str
    """Why it was chosen."""
    rank: int | None = None
    """Rank of the file among the repository's Python files, 1 for the most important."""


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
    manifest: tuple[ContextEntry, ...] = ()
    """What went into the prompts, in their order, then what found no room."""
    max_tokens: int = Field(default=16_000, ge=1)
    """Largest answer to ask for, in tokens."""
