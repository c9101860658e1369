"""Ruff on files of a worktree, by the worktree's own configuration or none."""

import os
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ruff import find_ruff_bin

from forge_core.errors import DiskFull
from forge_core.files.disk import SCARCE_BYTES, is_full
from forge_core.models.result import ValidationResult
from forge_core.models.task import ValidationConfig
from forge_core.shell.bounds import CommandBounds, CommandResult
from forge_core.shell.run import run_command
from forge_core.validation.environment import clean_environment
from forge_core.validation.verdicts import (
    build_format_verdict,
    build_lint_verdict,
    build_not_checked,
    build_skip,
)

TIMEOUT_S = 120.0
GROWTH = 4
"""Times its size that a file may take once it is formatted, with room to spare."""

OUTPUT_LIMIT = 4_000_000
PYTHON_SUFFIXES = frozenset({".py", ".pyi"})
CONFIG_FILES = ("ruff.toml", ".ruff.toml")

OnWait = Callable[[], None]
"""Called while a command runs; what it raises ends the command."""


@dataclass(frozen=True, slots=True)
class Ruff:
    """Ruff on chosen files of a worktree.

    Files with a configuration between them and the worktree's root follow it; the others get
    ruff's defaults. Ruff by itself would look further up, into the user's checkout and home.
    """

    executable: str
    worktree: Path
    configured: tuple[str, ...]
    others: tuple[str, ...]
    on_wait: OnWait

    def run(self, *args: str) -> list[CommandResult]:
        """Run a command on all files, once for each of the two kinds that there is."""
        kinds = ((("--force-exclude",), self.configured), (("--isolated",), self.others))
        return [self._run([*args, *options], paths) for options, paths in kinds if paths]

    def _run(self, args: Sequence[str], paths: Sequence[str]) -> CommandResult:
        # "./" keeps a path like "@x.py" from being read as a file of arguments.
        files = [f"./{path}" for path in paths]
        return run_command(
            [self.executable, *args, "--no-cache", "--", *files],
            cwd=self.worktree,
            env=clean_environment(os.environ),
            bounds=CommandBounds(TIMEOUT_S, OUTPUT_LIMIT),
            on_wait=self.on_wait,
        )


def check_python(
    worktree: Path, paths: Sequence[str], config: ValidationConfig, on_wait: OnWait
) -> list[ValidationResult]:
    """Repair the Python files among `paths` as far as `config` says so, then judge them.

    Raises:
        DiskFull: There is no disk space to fix them.
    """
    checks = ("ruff_lint", config.run_ruff_lint), ("ruff_format", config.run_ruff_format)
    names = [name for name, on in checks if on]
    python = [path for path in paths if _is_python(worktree, path)]
    if not python:
        return [build_skip(name, "no Python files") for name in names]
    try:
        executable = find_ruff_bin()
    except FileNotFoundError:
        return [build_not_checked(name, "ruff is not installed") for name in names]
    configured = tuple(path for path in python if _is_configured(worktree, path))
    others = tuple(path for path in python if path not in configured)
    ruff = Ruff(executable, worktree, configured, others, on_wait)
    if config.auto_fix:
        _require_room(worktree, python)
        _repair(ruff, config)
    return _judge(ruff, config)


def _require_room(worktree: Path, paths: Sequence[str]) -> None:
    """Check that there is room to rewrite files: on a full disk ruff would truncate them."""
    needed_bytes = GROWTH * sum((worktree / path).stat().st_size for path in paths) + SCARCE_BYTES
    if is_full(worktree, needed_bytes):
        raise DiskFull(f"no disk space to fix files in {worktree}")


def _repair(ruff: Ruff, config: ValidationConfig) -> None:
    if config.run_ruff_lint:
        ruff.run("check", "--fix", "--quiet", "--exit-zero")
    if config.run_ruff_format:
        ruff.run("format", "--quiet")


def _judge(ruff: Ruff, config: ValidationConfig) -> list[ValidationResult]:
    results = []
    if config.run_ruff_lint:
        done = ruff.run("check", "--no-fix", "--output-format=json-lines")
        results.append(build_lint_verdict(done, ruff.worktree.resolve()))
    if config.run_ruff_format:
        results.append(build_format_verdict(ruff.run("format", "--check")))
    return results


def _is_python(worktree: Path, path: str) -> bool:
    return PurePosixPath(path).suffix in PYTHON_SUFFIXES and (worktree / path).is_file()


def _is_configured(worktree: Path, path: str) -> bool:
    """Return whether a directory between the worktree's root and a file configures ruff."""
    return any(_configures_ruff(worktree / parent) for parent in PurePosixPath(path).parents)


def _configures_ruff(directory: Path) -> bool:
    if any((directory / name).is_file() for name in CONFIG_FILES):
        return True
    try:
        settings = tomllib.loads((directory / "pyproject.toml").read_text(encoding="utf-8"))
    except OSError:
        return False
    except ValueError:
        return True  # Ruff says best what is wrong with it.
    tool = settings.get("tool")
    return isinstance(tool, dict) and "ruff" in tool
