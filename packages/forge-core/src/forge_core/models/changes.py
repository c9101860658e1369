"""What an answer makes of the files of a commit."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from forge_core.models.frozen import FrozenModel

ChangeKind = Literal["added", "modified", "deleted", "renamed"]
"""What became of a file."""


class FileChange(FrozenModel):
    """One file that an answer changes, for the record."""

    path: str
    """Where it stands afterwards, or stood before it was deleted."""
    kind: ChangeKind
    old_path: str | None = None
    """Where it stood before it was renamed."""
    lines_added: int = 0
    lines_removed: int = 0
    rungs: dict[str, int] = Field(default={})
    """How many of its edits were found by overlooking what; empty for a file written whole."""


@dataclass(frozen=True, slots=True)
class BaseFile:
    """A regular file of the commit that an attempt starts from, as a checkout has it."""

    content: bytes
    executable: bool = False


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """What is to stand at a path of a worktree, and what stood there."""

    path: str
    base: bytes | None
    """None where no file stood."""
    content: bytes | None
    """None where the file is to go."""
    executable: bool | None = None
    """None leaves that as it is; a new file is not executable then."""
