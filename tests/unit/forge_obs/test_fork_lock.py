"""Locks keep the deadline of who waits for them, also while a fork is under way."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
from forge_obs import fork_lock as locks
from forge_obs.fork_lock import ForkLock


@pytest.fixture
def fork_under_way(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(locks, "_WAIT_S", 600.0)
    locks._gate.open.clear()
    yield
    locks._gate.open.set()


@pytest.mark.parametrize("free", [True, False], ids=["free", "taken"])
@pytest.mark.usefixtures("fork_under_way")
def test_fork_does_not_add_to_the_wait(free: bool) -> None:
    lock = ForkLock()
    found: list[bool] = []

    def take() -> None:
        with lock.held(0.05) as taken:
            found.append(taken)

    with nullcontext() if free else lock.held(0.0):
        waiting = threading.Thread(target=take, daemon=True)
        waiting.start()
        waiting.join(60.0)

    assert found == [free]


@pytest.mark.usefixtures("fork_under_way")
def test_wait_for_a_fork_counts_as_waiting() -> None:
    lock, waits = ForkLock(), _Waits()
    lock._lock = waits  # type: ignore[assignment]
    threading.Timer(0.05, locks._gate.open.set).start()
    before = time.monotonic()

    with lock.held(60.0):
        pass

    assert waits.timeout < 60.0
    assert waits.timeout >= 60.0 - (time.monotonic() - before)


def test_fork_waits_longest_for_an_import() -> None:
    lock, waits = ForkLock(patience=6), _Waits()
    lock._lock = waits  # type: ignore[assignment]

    lock.before_fork()
    lock.after_fork_in_parent()

    assert waits.timeout == 6 * locks._WAIT_S


def test_lock_that_stayed_busy_is_not_given_back_for_its_holder() -> None:
    lock = ForkLock()

    def fail_to_take() -> bool:
        with lock.held(0.0) as taken:
            return taken

    with lock.held(1.0), ThreadPoolExecutor(1) as other:
        assert not other.submit(fail_to_take).result(60.0)
        assert not other.submit(fail_to_take).result(60.0)

    with ThreadPoolExecutor(1) as other:
        assert other.submit(fail_to_take).result(60.0)


class _Waits:
    """A lock that remembers how long somebody was ready to wait for it."""

    def acquire(self, *, timeout: float) -> bool:
        self.timeout = timeout
        return True

    def release(self) -> None:
        pass
