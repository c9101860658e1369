"""Running the checks in a worktree."""

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from ruff import find_ruff_bin

from forge_core.models.result import ValidationResult
from forge_core.models.task import ValidationConfig
from forge_core.shell_command import CommandResult, run_command
from forge_core.validation.verdicts import (
    build_format_verdict,
    build_lint_verdict,
    build_skip,
    build_test_verdict,
)

RUFF_TIMEOUT_S = 120.0
PYTHON_SUFFIXES = frozenset({".py", ".pyi"})

OnWait = Callable[[], None]
"""Called while a command runs; what it raises ends the command."""


def validate_files(
    worktree: Path, paths: Sequence[str], config: ValidationConfig, on_wait: OnWait
) -> list[ValidationResult]:
    """Check the files that an attempt wrote, after repairing what can be repaired.

    Ruff follows the worktree's own configuration, or none: never one from above the worktree.

    Args:
        worktree: Where the files are.
        paths: The files, relative to it.
        config: Which checks to run.
        on_wait: Called while a check runs; what it raises ends the check.
    """
    python = [
        path
        for path in paths
        if PurePosixPath(path).suffix in PYTHON_SUFFIXES and (worktree / path).is_file()
    ]
    results = _run_ruff(worktree, python, config, on_wait)
    if config.run_tests and config.test_command:
        command = ["/bin/sh", "-c", config.test_command]
        done = run_command(command, cwd=worktree, timeout_s=config.test_timeout_s, on_wait=on_wait)
        results.append(build_test_verdict(done))
    return results


def _run_ruff(
    worktree: Path, paths: Sequence[str], config: ValidationConfig, on_wait: OnWait
) -> list[ValidationResult]:
    """Repair first, so that the verdicts are about what will be committed."""
    wanted = [
        name
        for name, on in (
            ("ruff_lint", config.run_ruff_lint),
            ("ruff_format", config.run_ruff_format),
        )
        if on
    ]
    if not paths:
        return [build_skip(name, "no Python files") for name in wanted]
    isolated = () if _is_configured(worktree, paths) else ("--isolated",)

    def ruff(*args: str) -> CommandResult:
        command = [find_ruff_bin(), *args, "--no-cache", *isolated, "--", *paths]
        return run_command(command, cwd=worktree, timeout_s=RUFF_TIMEOUT_S, on_wait=on_wait)

    if config.auto_fix and config.run_ruff_lint:
        ruff("check", "--fix", "--quiet", "--exit-zero")
    if config.auto_fix and config.run_ruff_format:
        ruff("format", "--quiet")
    results = []
    if config.run_ruff_lint:
        results.append(
            build_lint_verdict(ruff("check", "--quiet", "--output-format=json", "--no-fix"))
        )
    if config.run_ruff_format:
        results.append(build_format_verdict(ruff("format", "--check", "--quiet")))
    return results


def _is_configured(worktree: Path, paths: Sequence[str]) -> bool:
    """Tell whether a directory between the worktree and a file configures ruff."""
    directories = {parent for path in paths for parent in PurePosixPath(path).parents}
    return any(_configures_ruff(worktree / directory) for directory in directories)


def _configures_ruff(directory: Path) -> bool:
    if any((directory / name).is_file() for name in ("ruff.toml", ".ruff.toml")):
        return True
    try:
        settings = tomllib.loads((directory / "pyproject.toml").read_text())
    except (OSError, ValueError):
        return False
    tool = settings.get("tool")
    return isinstance(tool, dict) and "ruff" in tool
