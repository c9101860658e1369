"""Whether the checks of a task can run at all, found out before anything is paid for.

See D71.
"""

import os
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from posixpath import normpath

from forge_core.errors import UsageError
from forge_core.files.protection import find_scripts
from forge_core.git.command import Git
from forge_core.git.contents.base_files import read_base_files
from forge_core.models.check import Check
from forge_core.models.task import ValidationConfig
from forge_core.shell.bounds import CommandBounds
from forge_core.shell.run import run_command
from forge_core.validation.commands.selection import select_paths
from forge_core.validation.environment import clean_environment
from forge_core.validation.python.ruff import OWN_ENDS, Ruff, RuffMissing, explain_refusal
from forge_core.validation.python.ruff_rules import CONFIG_FILES, FileRules, find_rules

MAX_EXTENSIONS = 5
"""Configurations that one may extend in turn."""

TIMEOUT_S = 10.0

PLAIN_WORD = re.compile(r"[A-Za-z0-9_./+-]+")
"""A word that a shell does not expand."""

ALTERNATIVES = ("||", "()", "command -v", "type ", "which ")
"""What a command has that finds out by itself whether another one exists, or defines it."""


def check_validation(
    root: Path, commit: str, config: ValidationConfig, target_files: Sequence[str]
) -> None:
    """Check that what is to judge a task's files can run; nothing of the repository is executed.

    Args:
        root: The repository.
        commit: Where the task starts.
        config: What is to run.
        target_files: Files whose directories may configure ruff on their own.

    Raises:
        UsageError: A check cannot run, with the reason.
    """
    if not (config.run_ruff_lint is False and config.run_ruff_format is False):
        _check_ruff(root, commit, target_files)
    if config.run_tests and config.test_command:
        _check_command(root, commit, "the test command", config.test_command)
    for check in _list_due(root, commit, config.checks, target_files):
        reason = explain_missing(root, commit, check)
        if reason is not None:
            raise UsageError(f"check {check.name!r} cannot run: {reason}")


def explain_missing(root: Path, commit: str, check: Check) -> str | None:
    """Say which command of a check does not exist; None where all do, as far as can be told."""
    reasons = (_explain_command(root, commit, command) for command in check.commands)
    return next(filter(None, reasons), None)


def _list_due(
    root: Path, commit: str, checks: Sequence[Check], target_files: Sequence[str]
) -> list[Check]:
    """List the checks that apply to some file: a user may name more than a repository needs."""
    if not checks:
        return []
    paths = [*list_paths(root, commit), *target_files]
    return [check for check in checks if select_paths(check.files, paths)]


def list_paths(root: Path, commit: str) -> list[str]:
    """List the files of a commit."""
    listing = Git(root).run("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
    return list(filter(None, listing.split("\0")))


def _check_ruff(root: Path, commit: str, target_files: Sequence[str]) -> None:
    paths = [PurePosixPath(path) for path in (*target_files, "x.py")]
    directories = dict.fromkeys(parent for path in paths for parent in path.parents)
    names = [str(parent / name) for parent in directories for name in CONFIG_FILES]
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name).resolve()
        _copy_files(root, commit, names, copy)
        for directory in directories:
            probe = str(directory / "x.py")
            rules = find_rules(copy, probe)
            if rules.configuration is not None:
                _try_rules(copy, probe, rules)


def _try_rules(copy: Path, path: str, rules: FileRules) -> None:
    try:
        done = Ruff(copy, _go_on).run_on_text(("check", *rules.base_options), path, b"")
    except RuffMissing as error:
        raise UsageError(f"files cannot be checked: {error}") from error
    if done.returncode not in OWN_ENDS:
        reason = explain_refusal(done).replace(f"{copy}/", "")
        raise UsageError(
            f"files cannot be checked by {rules.configuration}: {reason}; correct it, put the "
            "version that it requires on the PATH, or give --no-lint --no-format"
        )


def _copy_files(root: Path, commit: str, names: Sequence[str], copy: Path) -> None:
    """Copy configurations of a commit, and those that they extend."""
    for _ in range(MAX_EXTENSIONS):
        extended = []
        for path, file in read_base_files(root, commit, names).items():
            place = copy / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.content)
            extended += list(_list_extended(path, file.content))
        names = [name for name in extended if not (copy / name).exists()]
        if not names:
            return


def _list_extended(path: str, content: bytes) -> Iterator[str]:
    try:
        document = tomllib.loads(content.decode())
    except ValueError:
        return
    tool = document.get("tool")
    ruff = tool.get("ruff") if isinstance(tool, Mapping) else None
    for table in (document, ruff):
        name = table.get("extend") if isinstance(table, Mapping) else None
        if isinstance(name, str):
            place = normpath(PurePosixPath(path).parent / name)
            if not place.startswith(("/", "..", "~")):
                yield place


def _check_command(root: Path, commit: str, name: str, command: str) -> None:
    reason = _explain_command(root, commit, command)
    if reason is not None:
        raise UsageError(f"{name} cannot run: {reason}")


def _explain_command(root: Path, commit: str, command: str) -> str | None:
    """Say that the first command of a shell's does not exist; what it does is not known."""
    word = next(find_scripts(command), "")
    word = f"./{word}" if f"./{word}" in command else word
    if not PLAIN_WORD.fullmatch(word) or any(part in command for part in ALTERNATIVES):
        return None
    if "/" in word:
        reason = None if word.startswith("/") else _explain_file(root, commit, word)
    else:
        reason = None if _is_command(root, word) else "no such command on the PATH"
    return None if reason is None else f"{word}: {reason}"


def _explain_file(root: Path, commit: str, word: str) -> str | None:
    """Say why a file of the repository cannot be executed."""
    path = normpath(word)
    if path.startswith(".."):
        return None
    file = read_base_files(root, commit, [path]).get(path)
    if file is None:
        return f"not in commit {commit[:12]}, so not in the worktree where tests run"
    return None if file.executable else "not executable"


def _is_command(root: Path, word: str) -> bool:
    done = run_command(
        ["/bin/sh", "-c", 'command -v -- "$1"', "sh", word],
        cwd=root,
        env=clean_environment(os.environ),
        bounds=CommandBounds(TIMEOUT_S),
    )
    return done.returncode == 0


def _go_on() -> None:
    """Wait for what takes milliseconds."""
