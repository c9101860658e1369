"""Locks that survive a fork.

SQLite keeps the locks of a process in tables that a child inherits: a child that uses a file which
was open during the fork believes that it holds locks which only its parent has, and rows get
lost. So each lock is taken before a fork, and what it protects is closed.
"""

import os
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Final
from weakref import WeakValueDictionary

_WAIT_S: Final = 5.0
"""How long a fork waits for one lock, in seconds."""


class ForkLock:
    """A lock that is free in a child process.

    Args:
        let_go: Called with the lock held, right before a fork: closes what must not be copied.
    """

    def __init__(self, let_go: Callable[[], object] | None = None) -> None:
        self._lock = threading.Lock()
        self._let_go = let_go
        self._held_for_fork = False
        self.crossed = False
        """In a child: what the lock protects was in use during the fork."""
        _locks[next(_numbers)] = self

    def acquire(self, *, timeout_s: float) -> bool:
        """Take the lock, waiting at most that many seconds; False if it stayed busy.

        Whoever holds another of these locks must not wait here: pass 0.
        """
        if timeout_s > 0 and not _gate.open.is_set():
            # Busy writers that keep taking the lock would keep the fork from ever getting it.
            started = time.monotonic()
            _gate.open.wait(min(timeout_s, _WAIT_S))
            timeout_s -= time.monotonic() - started
        return self._lock.acquire(timeout=max(0.0, timeout_s))

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire(timeout_s=threading.TIMEOUT_MAX)

    def __exit__(self, *_raised: object) -> None:
        self._lock.release()

    def before_fork(self) -> None:
        """Take the lock if it can be had soon, and let go of what it protects."""
        self._held_for_fork = self._lock.acquire(timeout=_WAIT_S)
        if self._held_for_fork and self._let_go is not None:
            self._let_go()

    def after_fork_in_parent(self) -> None:
        """Give the lock back, if it was taken."""
        if self._held_for_fork:
            self._held_for_fork = False
            self.release()

    def after_fork_in_child(self) -> None:
        """Start over: the thread that holds the old lock is not in this process."""
        self.crossed = self.crossed or not self._held_for_fork
        self._held_for_fork = False
        self._lock = threading.Lock()


class _Gate:
    """Closed from the moment a fork begins: whoever wants a lock comes after it."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Open the gate; in a child nobody who waits at the old one is there."""
        self.open = threading.Event()
        self.open.set()


_gate: Final = _Gate()
_numbers: Final = count()
_locks: Final[WeakValueDictionary[int, ForkLock]] = WeakValueDictionary()


def _in_order() -> list[ForkLock]:
    return [lock for _, lock in sorted(_locks.items())]


def _before_fork() -> None:
    # In order of birth, and once more for those that were born meanwhile: whoever holds the lock
    # under which new ones are made has it before them.
    _gate.open.clear()
    taken: set[int] = set()
    while fresh := [lock for lock in _in_order() if id(lock) not in taken]:
        for lock in fresh:
            lock.before_fork()
            taken.add(id(lock))


def _after_fork_in_parent() -> None:
    for lock in _in_order():
        lock.after_fork_in_parent()
    _gate.open.set()


def _after_fork_in_child() -> None:
    for lock in _in_order():
        lock.after_fork_in_child()
    _gate.renew()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)
