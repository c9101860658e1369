"""Fix commands: what they do to changed files is kept where it undoes nothing that stood before.

See D75.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from forge_core.errors import GitFailed, RefusedPath
from forge_core.git.command import Git
from forge_core.models.changes import PlannedFile
from forge_core.models.check import Check
from forge_core.shell.bounds import CommandResult
from forge_core.validation.commands.base_view import (
    base_in_place,
    read_state,
    set_aside,
    write_state,
)
from forge_core.validation.commands.shell import Shell
from forge_core.validation.comparison import compare

CANNOT_RUN = 126
"""The first of the exit codes with which a shell says that a command did not run or was killed."""

MAX_NAMES = 5
"""Files that a verdict names."""


@dataclass(frozen=True, slots=True)
class Fix:
    """What became of a fix command."""

    done: CommandResult
    fixed: Sequence[str] = ()
    """Changed files that it mended."""
    undone: Sequence[str] = ()
    """Changed files in which it touched what stood before, so that they were put back."""
    astray: Sequence[str] = ()
    """Other files that it touched, which were put back, too."""

    def describe(self) -> str:
        """Say what was not kept; nothing where all was."""
        parts = [
            f"its fix put back in {_join(paths)}: {reason}"
            for paths, reason in (
                (self.undone, "it changed lines that stood before"),
                (self.astray, "not a changed file"),
            )
            if paths
        ]
        return "".join(f"; {part}" for part in parts)


def _join(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - MAX_NAMES} more" if len(paths) > MAX_NAMES else ""
    return ", ".join(paths[:MAX_NAMES]) + more


def apply_fix(
    shell: Shell, check: Check, paths: Sequence[str], bases: Mapping[str, bytes], head: str
) -> Fix | None:
    """Let the fix command of a check mend changed files; None where there is nothing to do.

    Args:
        shell: Where.
        check: Has the command.
        paths: Changed files that stand in the worktree.
        bases: What stood before in their place; new ones are missing.
        head: Hash of the commit whose files all others are.

    Raises:
        RefusedPath: It changed what leads to the files, so that they cannot be put back.
    """
    if check.fix is None or not paths:
        return None
    worktree, dirty = shell.worktree, _list_dirty(shell.worktree)
    before = read_state(worktree, paths)
    with set_aside(worktree, paths):
        done = shell.run(check.fix, check.timeout_s, paths)
        after = read_state(worktree, paths)
    touched = [new for old, new in zip(before, after, strict=True) if new != old]
    if done.returncode is None or not 0 <= done.returncode < CANNOT_RUN:
        touched = []  # Of what ended half-way, nothing can be said.
    doubtful = [file for file in touched if not _is_kept(file, before, bases)]
    steady = _list_steady(shell, check, [file.path for file in doubtful], head)
    undone = [file.path for file in doubtful if file.path not in steady]
    fixed = [file for file in touched if file.path not in undone]
    write_state(worktree, fixed)
    astray = sorted(_list_dirty(worktree) - dirty - set(paths))
    _put_back(worktree, head, astray)
    return Fix(done, [file.path for file in fixed], undone, astray)


def _is_kept(new: PlannedFile, before: Sequence[PlannedFile], bases: Mapping[str, bytes]) -> bool:
    """Return whether a fix left every line that the change had kept of what stood before."""
    old = next(file for file in before if file.path == new.path)
    if not new.content or old.content is None or new.executable != old.executable:
        return False
    base = bases.get(new.path)
    if base is None:
        return True
    # Byte for byte, whatever the encoding.
    text, written, fixed = (part.decode("latin-1") for part in (base, old.content, new.content))
    return not compare(text, written).kept - compare(text, fixed).kept


def _list_steady(shell: Shell, check: Check, paths: Sequence[str], head: str) -> frozenset[str]:
    """List the files that the fix would have left alone as they stood before.

    Whatever it touches in them, the change brought.
    """
    if check.fix is None or not paths:
        return frozenset()
    worktree = shell.worktree
    with base_in_place(worktree, head, paths):
        before = read_state(worktree, paths)
        shell.run(check.fix, check.timeout_s, [file.path for file in before if file.content])
        after = read_state(worktree, paths)
    pairs = zip(before, after, strict=True)
    return frozenset(old.path for old, new in pairs if old.content is not None and old == new)


def _list_dirty(worktree: Path) -> set[str]:
    """List the files that git sees a difference in; ignored ones are nobody's."""
    listing = Git(worktree).run(
        "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all",
        "--ignore-submodules=all",
    )  # fmt: skip
    return {entry[3:] for entry in listing.split("\0") if entry}


def _put_back(worktree: Path, head: str, paths: Sequence[str]) -> None:
    """Bring other files back to the commit, and remove those that it does not have."""
    git = Git(worktree)
    for path in paths:
        try:
            git.run("restore", f"--source={head}", "--worktree", "--", path)
        except GitFailed:
            with suppress(OSError, RefusedPath):
                os.unlink(worktree / path)  # noqa: PTH108 - never followed
