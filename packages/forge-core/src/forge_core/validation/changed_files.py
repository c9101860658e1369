"""What checks judge: the files of an attempt, beside what stood before and what was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ChangedFiles:
    """What an attempt wrote or removed."""

    paths: Sequence[str]
    """Relative to the worktree."""
    bases: Mapping[str, bytes] = field(default_factory=dict)
    """What stood before in their place; new ones are missing."""
    head: str | None = None
    """Hash of the commit that the attempt starts from; without it nothing is known of how commands
    end there, and none mends anything."""
    task: str = ""
    """What was to be done, in the user's and the planner's words."""
    target_files: Sequence[str] = ()
    """What was to be changed."""
