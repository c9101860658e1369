"""Signals that come while `record()` is at work: handlers that record, and handlers that raise."""

import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from forge_obs import get_backlog, lost_count
from support.children import run_in_child
from support.store import eventually, interaction

LASTING_S = 1.5

SIGNALS = 30
"""How many are worth the name of an experiment."""

DEADLINE_S = 60.0


def count_rows(db: Path) -> int:
    with closing(sqlite3.connect(db)) as connection:
        return int(connection.execute("SELECT count(*) FROM interactions").fetchone()[0])


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


def record_under_signals(signals: list[int]) -> list[bool]:
    """Record for a while, with a signal at any point of every few calls, until enough came."""
    found: list[bool] = []
    began = time.monotonic()
    while time.monotonic() < began + (LASTING_S if len(signals) >= SIGNALS else DEADLINE_S):
        with suppress(KeyboardInterrupt):
            delay_s = random.uniform(0.0001, 0.001)  # noqa: S311 - no secret
            signal.setitimer(signal.ITIMER_REAL, delay_s)
            found.extend(interaction() for _ in range(10))
            signal.setitimer(signal.ITIMER_REAL, 0.0)
    return found


def test_handler_may_record_whatever_it_interrupts(private_environment: Path) -> None:
    db = private_environment / "forge.db"
    handled: list[bool] = []

    with handling(lambda: handled.append(interaction())) as signals:
        found = record_under_signals(signals)

    assert len(handled) == len(signals) >= SIGNALS
    assert lost_count() == 0
    assert eventually(lambda: interaction() and not get_backlog(db).pending)
    assert count_rows(db) > len(found) + len(handled)


def raise_interrupt() -> None:
    raise KeyboardInterrupt


def is_unlocked_after_interrupts() -> bool:
    assert interaction()
    with handling(raise_interrupt) as signals:
        found = record_under_signals(signals)
    with ThreadPoolExecutor(1) as other:
        stored = other.submit(interaction).result(60)
    return all(found) and len(signals) >= SIGNALS and stored and run_in_child(interaction)


def test_interrupts_leave_nothing_locked() -> None:
    # In a process of its own: an interrupt may come in a finaliser, too, where nobody gets it.
    assert run_in_child(is_unlocked_after_interrupts)
