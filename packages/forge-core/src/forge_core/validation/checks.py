"""Running the checks in a worktree."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from forge_core.errors import DiskFull
from forge_core.files.disk import is_full
from forge_core.files.write import find_replaced
from forge_core.models.result import ValidationResult
from forge_core.models.task import ValidationConfig
from forge_core.validation.changed_files import ChangedFiles
from forge_core.validation.commands.checks import check_by_commands
from forge_core.validation.commands.shell import Shell
from forge_core.validation.commands.tests import run_tests
from forge_core.validation.python.checks import check_python
from forge_core.validation.python.ruff import OnWait
from forge_core.validation.python.ruff_rules import find_oldest
from forge_core.validation.syntax.check import PYTHON_SUFFIXES, check_syntax
from forge_core.validation.verdicts import build_replaced_verdict

MAX_BYTES = 5_000_000
"""Size of a file up to which it is parsed."""


def validate_files(
    worktree: Path, changed: ChangedFiles, config: ValidationConfig, on_wait: OnWait
) -> list[ValidationResult]:
    """Check what an attempt made of files, after repairing what can be repaired.

    Args:
        worktree: Where the files are.
        changed: The files.
        config: Which checks to run.
        on_wait: Called while a check runs; what it raises ends the check.

    Raises:
        DiskFull: A check failed that may pass once there is room.
    """
    paths, bases = changed.paths, changed.bases
    shell = Shell(worktree, config, on_wait)
    results = check_python(worktree, paths, bases, config, on_wait)
    commands = check_by_commands(shell, changed)
    if config.check_syntax:
        syntax = _check_syntax(worktree, paths, bases, config)
        results += [syntax] if syntax is not None else []
    results += commands
    if config.run_tests and config.test_command:
        results.append(run_tests(shell, changed))
    if config.runs_commands:
        replaced = find_replaced(worktree, paths)
        if replaced:
            results.append(build_replaced_verdict(replaced))
    if not all(result.passed for result in results) and is_full(worktree):
        raise DiskFull(f"a check failed because the disk of {worktree} is full")
    return results


def _check_syntax(
    worktree: Path, paths: Sequence[str], bases: Mapping[str, bytes], config: ValidationConfig
) -> ValidationResult | None:
    """Check what can be parsed; Python only where ruff, which knows more of it, does not look."""
    files = _read_files(worktree, paths)
    python = [path for path in files if PurePosixPath(path).suffix in PYTHON_SUFFIXES]
    unseen = python if config.run_ruff_lint is False else []
    pythons = {path: version for path in unseen if (version := find_oldest(worktree, path))}
    return check_syntax(files, bases, pythons)


def _read_files(worktree: Path, paths: Sequence[str]) -> dict[str, bytes]:
    """Read those that stand there; who removed one since is found by the tests' own checks."""
    places = {path: worktree / path for path in paths}
    return {
        path: place.read_bytes()
        for path, place in places.items()
        if place.is_file() and not place.is_symlink() and place.stat().st_size <= MAX_BYTES
    }
