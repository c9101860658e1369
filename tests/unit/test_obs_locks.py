"""Locks keep the deadline of who waits for them, also while a fork is under way."""

import threading
import time
from collections.abc import Iterator

import pytest
from forge_obs import locks
from forge_obs.locks import ForkLock


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
    if not free:
        assert lock.acquire(timeout_s=0.0)
    taken: list[bool] = []

    waiting = threading.Thread(
        target=lambda: taken.append(lock.acquire(timeout_s=0.05)), daemon=True
    )
    waiting.start()
    waiting.join(60.0)

    assert taken == [free]


@pytest.mark.usefixtures("fork_under_way")
def test_wait_for_a_fork_counts_as_waiting() -> None:
    lock, waits = ForkLock(), _Waits()
    lock._lock = waits  # type: ignore[assignment]
    threading.Timer(0.05, locks._gate.open.set).start()
    before = time.monotonic()

    lock.acquire(timeout_s=60.0)

    assert waits.timeout < 60.0
    assert waits.timeout >= 60.0 - (time.monotonic() - before)


class _Waits:
    """A lock that remembers how long somebody was ready to wait for it."""

    def acquire(self, *, timeout: float) -> bool:
        self.timeout = timeout
        return True
