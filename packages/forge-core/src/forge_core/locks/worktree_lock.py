"""One activity at a time in a worktree, across crashes too.

Temporal starts an activity again when it has not heard of it for a while. The first one may still
be at work, or its process may be dead and a git that it started alive. Both hold the lock: commands
inherit it and keep it until they have ended.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from forge_core.errors import WorktreeAstray, WorktreeBusy
from forge_core.locks.held_file import is_same_file, try_lock

DEADLINE_S = 120.0
"""Seconds that an earlier attempt gets to end."""

INTERVAL_S = 0.05

PREFIX, SUFFIX = ".", ".lock"
"""Around a worktree's name, the name of its lock."""

_held: ContextVar[tuple[int, ...]] = ContextVar("held_locks", default=())


@contextmanager
def exclusive(worktree: Path, deadline_s: float = DEADLINE_S) -> Iterator[None]:
    """Hold a worktree's lock, a file beside it that is gone afterwards.

    The directory of the worktree has to exist, the worktree itself does not.

    Raises:
        WorktreeBusy: Somebody else still had it at the deadline.
        WorktreeAstray: There is no such directory.
    """
    path = worktree.with_name(f"{PREFIX}{worktree.name}{SUFFIX}")
    descriptor = _acquire(path, time.monotonic() + deadline_s)
    before = _held.set((*_held.get(), descriptor))
    try:
        yield
    finally:
        _held.reset(before)
        # While it is still locked: whoever waits for this file sees that it is another one.
        with suppress(FileNotFoundError):
            path.unlink()
        os.close(descriptor)


def find_worktree(path: Path) -> Path:
    """Return the worktree that a path is or is the lock of; a killed process leaves its locks."""
    name = path.name
    if name.startswith(PREFIX) and name.endswith(SUFFIX):
        return path.with_name(name.removeprefix(PREFIX).removesuffix(SUFFIX))
    return path


def inherited_locks() -> tuple[int, ...]:
    """Return the descriptors of held locks, for a command that works in the worktree."""
    return _held.get()


def _acquire(path: Path, deadline: float) -> int:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileNotFoundError as error:
            raise WorktreeAstray(f"{path.parent} no longer exists") from error
        if try_lock(descriptor) and is_same_file(descriptor, path):
            return descriptor
        os.close(descriptor)
        if time.monotonic() > deadline:
            raise WorktreeBusy(f"an earlier attempt is still working in {path.parent}: {path.name}")
        time.sleep(INTERVAL_S)
