"""Running the checks in a worktree."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from forge_core.errors import DiskFull
from forge_core.files.disk import is_full
from forge_core.files.write import find_replaced
from forge_core.models.result import ValidationResult
from forge_core.models.task import ValidationConfig
from forge_core.shell.bounds import CommandBounds, ResourceLimits
from forge_core.shell.run import run_command
from forge_core.validation.checkout_imports import put_worktree_first
from forge_core.validation.data_files import check_data
from forge_core.validation.environment import clean_environment
from forge_core.validation.python.checks import check_python
from forge_core.validation.python.ruff import OnWait
from forge_core.validation.verdicts import build_replaced_verdict, build_test_verdict

MAX_BYTES = 5_000_000
"""Size of a file up to which it is parsed."""

NO_BASES: Mapping[str, bytes] = {}


def validate_files(
    worktree: Path,
    paths: Sequence[str],
    config: ValidationConfig,
    on_wait: OnWait,
    bases: Mapping[str, bytes] = NO_BASES,
) -> list[ValidationResult]:
    """Check what an attempt made of files, after repairing what can be repaired.

    Args:
        worktree: Where the files are.
        paths: The files, relative to it.
        config: Which checks to run.
        on_wait: Called while a check runs; what it raises ends the check.
        bases: What stood before the attempt in the place of files; new ones are missing.

    Raises:
        DiskFull: A check failed that may pass once there is room.
    """
    results = check_python(worktree, paths, bases, config, on_wait)
    if config.run_ruff_lint is not False:
        data = check_data(_read_files(worktree, paths), bases)
        results += [data] if data is not None else []
    if config.run_tests and config.test_command:
        results.append(_run_tests(worktree, config.test_command, config, on_wait))
        replaced = find_replaced(worktree, paths)
        if replaced:
            results.append(build_replaced_verdict(replaced))
    if not all(result.passed for result in results) and is_full(worktree):
        raise DiskFull(f"a check failed because the disk of {worktree} is full")
    return results


def _read_files(worktree: Path, paths: Sequence[str]) -> dict[str, bytes]:
    """Read those that stand there; who removed one since is found by the tests' own checks."""
    places = {path: worktree / path for path in paths}
    return {
        path: place.read_bytes()
        for path, place in places.items()
        if place.is_file() and not place.is_symlink() and place.stat().st_size <= MAX_BYTES
    }


def _run_tests(
    worktree: Path, command: str, config: ValidationConfig, on_wait: OnWait
) -> ValidationResult:
    environment, roots = put_worktree_first(worktree, clean_environment(os.environ))
    done = run_command(
        ["/bin/sh", "-c", command],
        cwd=worktree,
        env=environment,
        bounds=CommandBounds(config.test_timeout_s, limits=_read_limits(config)),
        on_wait=on_wait,
    )
    return build_test_verdict(done, roots, command=command)


def _read_limits(config: ValidationConfig) -> ResourceLimits:
    return ResourceLimits(
        memory_mb=config.test_memory_mb,
        processes=config.test_processes,
        cpu_s=config.test_cpu_s,
        file_size_mb=config.test_file_size_mb,
    )
