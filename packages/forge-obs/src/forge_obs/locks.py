"""Locks that survive a fork.

A child starts with every lock free. Before the fork each lock is taken, so that no other thread
is in the middle of what it protects; one that stays busy does not hold the fork up for long.
"""

import os
import threading
from collections.abc import Callable
from typing import Final
from weakref import WeakSet

_WAIT_S: Final = 2.0


class ForkLock:
    """A lock that is free in a child process.

    Args:
        let_go: Called with the lock held, right before a fork: gives up what must not be copied.
    """

    def __init__(self, let_go: Callable[[], object] | None = None) -> None:
        self._lock = threading.Lock()
        self._let_go = let_go
        self._held_for_fork = False
        _locks.add(self)

    def acquire(self, *, timeout_s: float) -> bool:
        """Take the lock, waiting at most that many seconds; False if it stayed busy."""
        return self._lock.acquire(timeout=max(0.0, timeout_s))

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_raised: object) -> None:
        self._lock.release()

    def before_fork(self) -> None:
        """Take the lock if it can be had soon, and let go of what it protects."""
        self._held_for_fork = self.acquire(timeout_s=_WAIT_S)
        if self._held_for_fork and self._let_go is not None:
            self._let_go()

    def after_fork_in_parent(self) -> None:
        """Give the lock back, if it was taken."""
        if self._held_for_fork:
            self._held_for_fork = False
            self.release()

    def after_fork_in_child(self) -> None:
        """Start over: the thread that holds the old lock is not in this process."""
        self._held_for_fork = False
        self._lock = threading.Lock()


_locks: WeakSet[ForkLock] = WeakSet()


def _for_each(method: Callable[[ForkLock], None]) -> Callable[[], None]:
    def call() -> None:
        for lock in list(_locks):
            method(lock)

    return call


os.register_at_fork(
    before=_for_each(ForkLock.before_fork),
    after_in_parent=_for_each(ForkLock.after_fork_in_parent),
    after_in_child=_for_each(ForkLock.after_fork_in_child),
)
