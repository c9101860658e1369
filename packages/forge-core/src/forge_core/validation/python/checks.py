"""Linting and formatting what a change made of Python files, and nothing else of them.

See D71.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from forge_core.errors import DiskFull
from forge_core.files.disk import SCARCE_BYTES, is_full
from forge_core.models.result import ValidationResult
from forge_core.models.task import ValidationConfig
from forge_core.validation.python.files import PythonFile, RuffRefused
from forge_core.validation.python.format import Formatter
from forge_core.validation.python.lint import Linter
from forge_core.validation.python.ruff import OnWait, Ruff, RuffMissing, explain_refusal
from forge_core.validation.python.ruff_rules import find_rules
from forge_core.validation.verdicts import build_not_checked, build_skip

GROWTH = 4
"""Times its size that a file may take once it is formatted, with room to spare."""

PYTHON_SUFFIXES = frozenset({".py", ".pyi"})

Bases = Mapping[str, bytes]
"""What stood before in the place of files, by their paths; new files are missing."""


def check_python(
    worktree: Path, paths: Sequence[str], bases: Bases, config: ValidationConfig, on_wait: OnWait
) -> list[ValidationResult]:
    """Mend what a change made of Python files as far as `config` says so, then judge it.

    Args:
        worktree: Where the files are.
        paths: The files that were written, of all kinds.
        bases: What stood before.
        config: What is wanted.
        on_wait: Called while a check runs; what it raises ends the check.

    Raises:
        DiskFull: There is no disk space to fix them.
    """
    wishes = {"ruff_lint": config.run_ruff_lint, "ruff_format": config.run_ruff_format}
    names = [name for name, wish in wishes.items() if wish is not False]
    files = [
        PythonFile(worktree, path, find_rules(worktree, path), _decode(bases.get(path)))
        for path in paths
        if _is_python(worktree, path)
    ]
    if not files:
        return [build_skip(name, "no Python files") for name in names]
    if config.auto_fix:
        _require_room(worktree, [file.path for file in files])
    ruff = Ruff(worktree, on_wait)
    checks: dict[str, Linter | Formatter] = {
        "ruff_lint": Linter(ruff, files, config),
        "ruff_format": Formatter(ruff, files, config),
    }
    try:
        if config.auto_fix:
            for name in names:
                checks[name].mend()
        return [checks[name].judge() for name in names]
    except RuffMissing as error:
        return [build_not_checked(name, str(error)) for name in names]
    except RuffRefused as refused:
        done = refused.done
        return [
            build_not_checked(name, explain_refusal(done), done.output.strip()) for name in names
        ]


def _require_room(worktree: Path, paths: Sequence[str]) -> None:
    """Check that there is room to rewrite files: on a full disk ruff would truncate them."""
    needed_bytes = GROWTH * sum((worktree / path).stat().st_size for path in paths) + SCARCE_BYTES
    if is_full(worktree, needed_bytes):
        raise DiskFull(f"no disk space to fix files in {worktree}")


def _is_python(worktree: Path, path: str) -> bool:
    return PurePosixPath(path).suffix in PYTHON_SUFFIXES and (worktree / path).is_file()


def _decode(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "replace")
