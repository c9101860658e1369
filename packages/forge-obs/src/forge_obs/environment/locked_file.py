"""Files that only we may read from their first byte on, locked against others that use them."""

import fcntl
import os
import random
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EPERM, ETIMEDOUT
from pathlib import Path
from typing import Final

from forge_obs.environment.private_files import FILE_MODE

_RETRY_S: Final = (0.0005, 0.005)

_held: Final[set[int]] = set()
"""Descriptors in use; a child of a fork closes its copies."""


@contextmanager
def locked(path: Path, flags: int, give_up: float) -> Iterator[int]:
    """Open a file for reading and writing, and hold its lock; gives the descriptor.

    The lock is `flock` on the open file: threads exclude each other like processes, and a process
    that is killed leaves none behind.

    Args:
        path: The file; its mode becomes 0600.
        flags: `os.O_CREAT` to make it where it is missing, or 0.
        give_up: Until when to wait for others, in seconds of the monotonic clock.

    Raises:
        TimeoutError: Others kept the lock.
        OSError: The file is missing, is no file of ours, or cannot be opened.
    """
    descriptor = None
    try:
        descriptor = _open_locked(path, flags, give_up)
        yield descriptor
    finally:
        if descriptor is not None:
            # Said aloud, since a child that was forked meanwhile may keep a copy of the descriptor,
            # and by no function of ours, at whose start an interrupt might come.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            _close(descriptor)


def _open_locked(path: Path, flags: int, give_up: float) -> int:
    while True:
        descriptor = _open(path, flags)
        try:
            _lock(descriptor, give_up)
            if _leads_to(path, descriptor):
                return descriptor
        except BaseException:
            _close(descriptor)
            raise
        _close(descriptor)  # another process removed the file meanwhile


def _open(path: Path, flags: int) -> int:
    """Open a file that only we may read, from its first byte on; never one of somebody else."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | flags, FILE_MODE)
    _held.add(descriptor)
    try:
        _make_private(path, descriptor)
    except BaseException:
        _close(descriptor)
        raise
    return descriptor


def _make_private(path: Path, descriptor: int) -> None:
    status = os.fstat(descriptor)
    # Who owns the directory may exchange the database, too.
    trusted = status.st_uid in {os.geteuid(), path.parent.stat().st_uid}
    if not stat.S_ISREG(status.st_mode) or not trusted:
        raise PermissionError(EPERM, "no file of ours, move it away")
    if stat.S_IMODE(status.st_mode) != FILE_MODE:
        os.fchmod(descriptor, FILE_MODE)


def _lock(descriptor: int, give_up: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise TimeoutError(ETIMEDOUT, "kept busy by others") from None
            time.sleep(random.uniform(*_RETRY_S))  # noqa: S311 - jitter is no secret
        else:
            return


def _leads_to(path: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    return False


def _close(descriptor: int) -> None:
    _held.discard(descriptor)
    os.close(descriptor)


def _drop_copies() -> None:
    """In a child: close the parent's descriptors, which would keep its locks after its death."""
    for descriptor in tuple(_held):
        _close(descriptor)


os.register_at_fork(after_in_child=_drop_copies)
