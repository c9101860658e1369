"""Python files that were written, and the rules by which they are judged."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from forge_core.files.protection import ANY_FILE
from forge_core.files.write import write_changes
from forge_core.models.changes import PlannedFile
from forge_core.shell.bounds import CommandResult
from forge_core.validation.python.ruff_rules import FileRules

Options = tuple[str, ...]
"""Options of a command."""


class RuffRefused(Exception):
    """Ruff passed no judgement."""

    def __init__(self, done: CommandResult) -> None:
        super().__init__()
        self.done = done


@dataclass(frozen=True, slots=True)
class PythonFile:
    """A Python file that was written."""

    worktree: Path
    path: str
    rules: FileRules
    base: str | None
    """What stood before; None for a new file, and for one that is no text."""

    def read(self) -> str:
        """Return what stands there now; undecodable bytes are not what ruff reads either."""
        return (self.worktree / self.path).read_bytes().decode("utf-8", "replace")

    def write(self, text: str) -> None:
        """Put another text in its place."""
        planned = PlannedFile(self.path, None, text.encode())
        write_changes(self.worktree, [planned], ANY_FILE, was_checked=True)

    @property
    def source(self) -> str:
        """Whose rules apply, in words."""
        return self.rules.configuration or "ruff's defaults"


def group_paths(
    files: Iterable[PythonFile], choose: Callable[[PythonFile], Options]
) -> dict[Options, list[str]]:
    """Group the paths of files by the options of a command."""
    groups: dict[Options, list[str]] = {}
    for file in files:
        groups.setdefault(choose(file), []).append(file.path)
    return groups
