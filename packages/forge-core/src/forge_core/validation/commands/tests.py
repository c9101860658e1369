"""The test command, and whether it fails without the change as well.

See D75.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from forge_core.errors import RefusedPath
from forge_core.git.commits.receipt import locate_private
from forge_core.models.result import ValidationResult
from forge_core.shell.bounds import CommandResult
from forge_core.validation.changed_files import ChangedFiles
from forge_core.validation.commands.base_view import base_in_place
from forge_core.validation.commands.failing_tests import fail_alike, is_about
from forge_core.validation.commands.shell import Shell
from forge_core.validation.commands.verdict import BaseRun
from forge_core.validation.verdicts import (
    CANNOT_RUN,
    NO_BASE,
    BaseTests,
    build_test_verdict,
)

CHEAP_MS = 300_000.0
"""Milliseconds that a failed run took, up to which another is made to learn more of the failure."""

NAME = "forge-tests-before"
"""Name of the file that keeps how the tests ended without a change."""


def run_tests(shell: Shell, changed: ChangedFiles) -> ValidationResult:
    """Run the test command; where it fails, say whether it does without the change, too.

    Args:
        shell: Where, with the command.
        changed: What an attempt wrote or removed; nothing where what stands there is the base.
    """
    done = _run(shell)
    base, paths, head = None, changed.paths, changed.head
    if not paths and head is not None:
        _save(locate_private(shell.worktree) / NAME, _build_key(shell, head), done)
    if done.returncode not in {0, None, *CANNOT_RUN} and head is not None and paths:
        base = _find_base_run(shell, paths, head, done.duration_ms)
    return build_test_verdict(
        done,
        shell.list_roots(),
        command=shell.config.test_command or "",
        base=NO_BASE if base is None else _compare(done, base, changed),
    )


def _compare(done: CommandResult, base: BaseRun, changed: ChangedFiles) -> BaseTests:
    is_beside = fail_alike(done, base.done) and not is_about(changed, base.done.output)
    return BaseTests(base.failed, base.says_all(done), is_beside)


def _run(shell: Shell) -> CommandResult:
    return shell.run(shell.config.test_command or "", shell.config.test_timeout_s)


def _find_base_run(
    shell: Shell, paths: Sequence[str], head: str, duration_ms: float
) -> BaseRun | None:
    """Find out how the tests end without the change, once for a commit."""
    place, key = locate_private(shell.worktree) / NAME, _build_key(shell, head)
    with suppress(OSError, ValueError, TypeError, KeyError):
        document = json.loads(place.read_text())
        if document.pop("key") == key:
            return BaseRun(CommandResult(**document))
    if duration_ms > CHEAP_MS:
        return None
    try:
        with base_in_place(shell.worktree, head, paths):
            done = _run(shell)
    except RefusedPath:  # Of what stands there now, a verdict of its own says more.
        return None
    _save(place, key, done)
    return BaseRun(done)


def _build_key(shell: Shell, head: str) -> str:
    return hashlib.sha256(f"{head}\0{shell.config.test_command}".encode()).hexdigest()


def _save(place: Path, key: str, done: CommandResult) -> None:
    draft = place.with_name(f"{NAME}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with suppress(OSError):
        with os.fdopen(os.open(draft, flags, 0o600), "w") as file:
            json.dump({"key": key, **asdict(done)}, file)
        draft.replace(place)
