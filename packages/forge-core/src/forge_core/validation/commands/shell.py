"""Commands of the user in a worktree, within the bounds and the environment of its tests."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from forge_core.models.task import ValidationConfig
from forge_core.shell.bounds import CommandBounds, CommandResult, ResourceLimits
from forge_core.shell.run import run_command
from forge_core.validation.checkout_imports import put_worktree_first
from forge_core.validation.commands.selection import build_argv
from forge_core.validation.environment import clean_environment

OnWait = Callable[[], None]
"""Called while a command runs; what it raises ends the command."""


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell at the top of a worktree."""

    worktree: Path
    config: ValidationConfig
    """Has the bounds."""
    on_wait: OnWait

    def run(self, command: str, timeout_s: float, paths: Sequence[str] = ()) -> CommandResult:
        """Run a command on files and kill what it leaves behind."""
        environment, _ = put_worktree_first(self.worktree, clean_environment(os.environ))
        return run_command(
            build_argv(command, paths),
            cwd=self.worktree,
            env=environment,
            bounds=CommandBounds(timeout_s, limits=self._limits),
            on_wait=self.on_wait,
        )

    def list_roots(self) -> tuple[str, ...]:
        """List the directories of the checkout that Python reads from the worktree instead."""
        return put_worktree_first(self.worktree, clean_environment(os.environ))[1]

    @property
    def _limits(self) -> ResourceLimits:
        return ResourceLimits(
            memory_mb=self.config.test_memory_mb,
            processes=self.config.test_processes,
            cpu_s=self.config.test_cpu_s,
            file_size_mb=self.config.test_file_size_mb,
        )
