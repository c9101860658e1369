"""What a model is shown for one unit of work."""

from typing import Literal

from pydantic import Field

from forge_core.models.frozen import FrozenModel

FILE_LIMIT_BYTES = 1_000_000
"""Size up to which a file is shown."""

PromptName = Literal["system", "user"]
"""One of the two texts of a request."""


class ContextStats(FrozenModel):
    """How much of the repository went into one prompt."""

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


class ShownFile(FrozenModel):
    """How much of one file of the repository a prompt held."""

    path: str
    ranges: tuple[tuple[int, int], ...] | None = None
    """First and last line of each part, counted from 1; None for all of the file. Empty if it was
    only named or shown by its declarations, which are no lines of it."""


class ContextEntry(FrozenModel):
    """One part of a prompt, or one that found no room in it.

    A file that the map shows is an entry of its own besides the map's; its tokens are part of
    the map's.
    """

    kind: str
    name: str
    """What it is about, e.g. a file's path; empty where the kind says it all."""
    path: str | None = None
    """The file that it shows; None for what is no file of the repository."""
    form: Literal["text", "full", "excerpt", "signatures", "omitted"]
    ranges: tuple[tuple[int, int], ...] = ()
    """Of an excerpt: first and last line of each part, counted from 1."""
    tokens: int
    """Estimated."""
    reason: str
    """Why it was chosen."""
    rank: int | None = None
    """Rank of the file among the repository's Python files, 1 for the most important."""
    prompt: PromptName | None = None
    """Where it stands; None for what found no room, and for a file of the map."""
    start: int | None = None
    """Its first character within that prompt, counted from 0."""
    length: int | None = None
    """How many characters it has there, heading included."""


class AssembledContext(FrozenModel):
    """The prompts of one attempt, with the labels under which calls are recorded."""

    task_id: str
    step_id: str | None = None
    sub_task_id: str | None = None
    workflow_id: str
    """The root workflow's id, in a sub-task too."""
    root_run_id: str | None = None
    """The root workflow's run in a sub-task; elsewhere the run that makes the call is that."""
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
    spare_chars: int = 20_000
    """Characters that the budget leaves for what a later request of the call has to add."""

    def find_root_run(self, run_id: str | None) -> str | None:
        """Return the root workflow's run, for the run that makes the call; None if unknown."""
        return self.root_run_id or (run_id if self.sub_task_id is None else None)

    @property
    def shown_files(self) -> tuple[ShownFile, ...]:
        """The files of the repository that the prompts hold or name as targets."""
        parts = (_read_entry(entry) for entry in self.manifest)
        return tuple(part for part in parts if part is not None)


def _read_entry(entry: ContextEntry) -> ShownFile | None:
    if entry.path is None or entry.kind == "refused_file":
        return None
    if entry.form == "full":
        return ShownFile(path=entry.path)
    if entry.form == "omitted" and entry.kind != "target_file":
        return None
    return ShownFile(path=entry.path, ranges=entry.ranges)
