"""Signals that come while `record()` is at work: handlers that record, and handlers that raise."""

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from forge_obs import lost_count
from support.children import run_in_child
from support.store import interaction

LASTING_S = 1.5


@contextmanager
def handling(act: Callable[[], object]) -> Iterator[list[int]]:
    """Let SIGALRM call a function; gives a list that grows with each signal."""
    signals: list[int] = []

    def handle(number: int, _frame: object) -> None:
        signals.append(number)
        act()

    before = signal.signal(signal.SIGALRM, handle)
    try:
        yield signals
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def record_under_signals() -> list[bool]:
    """Record for a while, with a signal at any point of every few calls."""
    found: list[bool] = []
    end = time.monotonic() + LASTING_S
    while time.monotonic() < end:
        with suppress(KeyboardInterrupt):
            delay_s = random.uniform(0.0001, 0.001)  # noqa: S311 - no secret
            signal.setitimer(signal.ITIMER_REAL, delay_s)
            found.extend(interaction() for _ in range(10))
            signal.setitimer(signal.ITIMER_REAL, 0.0)
    return found


def test_handler_records_whatever_it_interrupts() -> None:
    stop = threading.Event()
    handled: list[bool] = []

    def write() -> list[bool]:
        found = []
        while not stop.is_set():
            found.append(interaction())
        return found

    with (
        ThreadPoolExecutor(5) as threads,
        handling(lambda: handled.append(interaction())) as signals,
    ):
        writing = [threads.submit(write) for _ in range(5)]
        found = record_under_signals()
        stop.set()
        found += [stored for thread in writing for stored in thread.result(60)]

    assert all(found)
    assert all(handled)
    assert len(handled) == len(signals) > 20
    assert lost_count() == 0


def raise_interrupt() -> None:
    raise KeyboardInterrupt


def is_unlocked_after_interrupts() -> bool:
    assert interaction()
    with handling(raise_interrupt) as signals:
        found = record_under_signals()
    with ThreadPoolExecutor(1) as other:
        stored = other.submit(interaction).result(60)
    return all(found) and len(signals) > 20 and stored and run_in_child(interaction)


def test_interrupts_leave_nothing_locked() -> None:
    # In a process of its own: an interrupt may come in a finaliser, too, where nobody gets it.
    assert run_in_child(is_unlocked_after_interrupts)
