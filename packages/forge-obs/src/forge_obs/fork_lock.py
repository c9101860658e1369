"""Locks that survive a fork.

A child has no threads but the one that forked: a lock that another one held would stay taken there
for ever. So each lock is taken before a fork, and what must not be copied is closed.

See D66.
"""

import logging  # noqa: F401 - what it does before a fork must come after what is done here
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Final
from weakref import WeakMethod, WeakValueDictionary

from forge_obs.errors import StoreUnavailable

_WAIT_S: Final = 5.0
"""How long a fork waits for one lock, in seconds."""

_IMPORT_S: Final = 1.0
"""How long to wait for what another thread imports, in seconds."""


class ForkLock:
    """A lock that is free in a child process, and that an interrupt does not leave taken.

    It knows its owner, so that giving it back needs no memory of having got it: an exception may
    come from a signal handler between the two.

    Args:
        let_go: Called with the lock held, right before a fork: closes what must not be copied.
        patience: How many times longer than for others a fork waits for it.
    """

    def __init__(
        self, let_go: Callable[[], object] | None = None, *, patience: float = 1.0
    ) -> None:
        self._lock = threading.RLock()
        self._let_go = let_go
        self._patience = patience
        self._held_for_fork = False
        self.lost = False
        """Whether a thread that is not in this process had it when this process was forked."""
        _locks[next(_numbers)] = self

    @contextmanager
    def held(self, timeout_s: float) -> Iterator[bool]:
        """Hold the lock; yield False, and go on, if it stayed busy for that many seconds.

        Whoever holds another of these locks must not wait here: pass 0.
        """
        try:
            yield self._acquire(timeout_s)
        finally:
            # By no function of ours, at whose start an interrupt might come.
            try:  # noqa: SIM105
                self._lock.release()
            except RuntimeError:
                pass  # it stayed busy

    def _acquire(self, timeout_s: float) -> bool:
        if timeout_s > 0 and not _gate.open.is_set():
            # Busy writers that keep taking the lock would keep the fork from ever getting it.
            started = time.monotonic()
            _gate.open.wait(min(timeout_s, _WAIT_S))
            timeout_s -= time.monotonic() - started
        return self._lock.acquire(timeout=max(0.0, timeout_s))

    def before_fork(self) -> None:
        """Take the lock if it can be had soon, and let go of what it protects."""
        if not self._lock.acquire(timeout=_WAIT_S * self._patience):
            return  # perhaps another thread forks, and has it for that
        self._held_for_fork = True
        if self._let_go is not None:
            self._let_go()

    def after_fork_in_parent(self) -> None:
        """Give the lock back, if it was taken."""
        if self._held_for_fork:
            self._held_for_fork = False
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """Start over: the thread that holds the old lock is not in this process."""
        self.lost = self.lost or not self._held_for_fork
        self._held_for_fork = False
        self._lock = threading.RLock()


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
_last: Final[list[tuple[Callable[[], None], Callable[[], None]]]] = []
_import_lock: Final = ForkLock(patience=6)
"""Where no module is compiled yet and the machine is busy, an import takes longer than all else."""


def call_last(before: Callable[[], None], after_in_child: Callable[[], None]) -> None:
    """Have functions called at every fork, after the locks were taken and renewed."""
    _last.append((before, after_in_child))


def renew_in_child(method: Callable[[], None]) -> None:
    """Have a method called in every child from now on, as long as its object lives."""
    known = WeakMethod(method)

    def renew() -> None:
        """Call the method, unless its object is gone."""
        owner = known()
        if owner is not None:
            owner()

    os.register_at_fork(after_in_child=renew)


def wait_for_fork() -> None:
    """Wait until no fork is under way, for a while at most."""
    _gate.open.wait(_WAIT_S)


def importing() -> AbstractContextManager[bool]:
    """Let a fork wait for an import, whose lock would stay taken in the child.

    Raises:
        StoreUnavailable: The fork that made this process waited in vain: to import what a thread of
            the parent was importing would take for ever.
    """
    if _import_lock.lost:
        raise StoreUnavailable("this process was forked in the middle of an import")
    return _import_lock.held(_IMPORT_S)


def _list_locks() -> list[ForkLock]:
    return [lock for _, lock in sorted(_locks.items())]


def _before_fork() -> None:
    # In order of birth, and once more for those that were born meanwhile: whoever holds the lock
    # under which new ones are made has it before them.
    _gate.open.clear()
    taken: set[int] = set()
    while fresh := [lock for lock in _list_locks() if id(lock) not in taken]:
        for lock in fresh:
            lock.before_fork()
            taken.add(id(lock))
    for before, _ in _last:
        before()


def _after_fork_in_parent() -> None:
    for lock in _list_locks():
        lock.after_fork_in_parent()
    _gate.open.set()


def _after_fork_in_child() -> None:
    for lock in _list_locks():
        lock.after_fork_in_child()
    for _, after_in_child in _last:
        after_in_child()
    _gate.renew()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)
