"""What was written last into a worktree, and whether checks have been at it since.

An activity may be executed again after later ones, when the workflow's own record of them was lost.
The files then stand as checks have repaired them, which is neither the commit's state nor the
answer's, and is ours all the same.
"""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from forge_core.models.changes import PlannedFile

NAME = "forge-written"

CHECKED = "checked"


def digest_files(files: Sequence[PlannedFile]) -> str:
    """Hash what is planned."""
    digest = hashlib.sha256()
    for file in files:
        for part in (file.path.encode(), file.base, file.content):
            digest.update(b"-" if part is None else b"%d:%s" % (len(part), part))
    return digest.hexdigest()


def leave_receipt(worktree: Path, digest: str) -> None:
    """Note that these files stand in a worktree."""
    with suppress(OSError):
        _write(worktree, digest)


def note_checks(worktree: Path) -> None:
    """Note that checks are about to change what was written."""
    with suppress(OSError, ValueError):
        _write(worktree, f"{_locate(worktree).read_text().split()[0]} {CHECKED}")


def was_checked(worktree: Path, digest: str) -> bool:
    """Return whether these files were written before, and checks have been at them since."""
    try:
        return _locate(worktree).read_text() == f"{digest} {CHECKED}"
    except (OSError, ValueError):
        return False


def _write(worktree: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(_locate(worktree), flags, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _locate(worktree: Path) -> Path:
    return locate_private(worktree) / NAME


def locate_private(worktree: Path) -> Path:
    """Return git's own directory of the worktree, which resetting leaves alone."""
    git = worktree / ".git"
    return git if git.is_dir() else worktree / git.read_text().removeprefix("gitdir: ").strip()
