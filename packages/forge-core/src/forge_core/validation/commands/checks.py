"""Running the checks that users name on what a change made of files.

See D75.
"""

from collections.abc import Sequence

from forge_core.errors import RefusedPath
from forge_core.git.contents.base_files import read_base_files
from forge_core.models.check import PLACEHOLDER, Check
from forge_core.models.result import ValidationResult
from forge_core.shell.bounds import CommandResult
from forge_core.validation.changed_files import ChangedFiles
from forge_core.validation.commands.base_view import base_in_place
from forge_core.validation.commands.fix import Fix, apply_fix
from forge_core.validation.commands.selection import select_paths
from forge_core.validation.commands.shell import Shell
from forge_core.validation.commands.verdict import BaseRun, build_check_verdict
from forge_core.validation.verdicts import CANNOT_RUN, build_not_checked, build_skip

NOT_TRUSTED = (
    "not run: the repository's own forge.toml names it; give --run-checks, or trust the repository"
)
"""Why a check is skipped that executes what a stranger wrote."""


def check_by_commands(shell: Shell, changed: ChangedFiles) -> list[ValidationResult]:
    """Let fix commands mend changed files, then judge them; skipped checks are named."""
    config = shell.config
    checks = [_Run(shell, check, changed) for check in config.checks]
    if config.auto_fix:
        for check in checks:
            check.mend()
    return [
        *(check.judge() for check in checks),
        *(build_skip(name, NOT_TRUSTED) for name in config.skipped_checks),
    ]


def _may_have_stood(done: CommandResult) -> bool:
    """Return whether a command found a fault that the change may not have brought."""
    return done.returncode not in {0, None, *CANNOT_RUN}


class _Run:
    """One check on what an attempt changed."""

    def __init__(self, shell: Shell, check: Check, changed: ChangedFiles) -> None:
        self._shell = shell
        self._check = check
        self._changed = changed
        self._selected = select_paths(check.files, changed.paths)
        self._fix: Fix | None = None
        self._mishap: str | None = None

    def mend(self) -> None:
        """Let the fix command mend what it can."""
        changed, standing = self._changed, self._list_standing()
        if changed.head is None:
            return
        try:
            self._fix = apply_fix(self._shell, self._check, standing, changed.bases, changed.head)
        except (RefusedPath, OSError) as error:
            self._mishap = f"its fix command: {error}"

    def judge(self) -> ValidationResult:
        """Judge the files, beside what stood before where that may be no better."""
        name, standing = self._check.name, self._list_standing()
        if not self._selected:
            return build_skip(name, "no changed file is one of its files")
        if PLACEHOLDER in self._check.command and not standing:
            return build_skip(name, "none of its files is left")
        if self._mishap is not None:
            return build_not_checked(name, self._mishap)
        if self._fix is not None and self._fix.done.returncode in CANNOT_RUN:
            return build_check_verdict(name, self._fix.done, None)
        try:
            done = self._run(standing)
            base = self._run_at_base(standing) if _may_have_stood(done) else None
        except (RefusedPath, OSError) as error:
            return build_not_checked(name, str(error))
        remark = "" if self._fix is None else self._fix.describe()
        return build_check_verdict(name, done, base, remark)

    def _run(self, paths: Sequence[str]) -> CommandResult:
        return self._shell.run(self._check.command, self._check.timeout_s, paths)

    def _run_at_base(self, paths: Sequence[str]) -> BaseRun | None:
        """Run the command without the change; None where it has nothing to judge there."""
        head, worktree = self._changed.head, self._shell.worktree
        if head is None:
            return None
        stood = read_base_files(worktree, head, paths)
        if PLACEHOLDER in self._check.command and not stood:
            return None
        with base_in_place(worktree, head, self._changed.paths):
            return BaseRun(self._run([path for path in paths if path in stood]))

    def _list_standing(self) -> list[str]:
        places = {path: self._shell.worktree / path for path in self._selected}
        return [p for p, place in places.items() if place.is_file() and not place.is_symlink()]
