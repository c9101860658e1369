"""A store that somebody else keeps locked, and waiting for it to work again."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def locked(db: Path) -> Iterator[None]:
    """Hold the write lock of a database, as a busy program would."""
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def eventually(act: Callable[[], bool], within_s: float = 15.0) -> bool:
    """Call until it gives True; the store is tried again after a pause of its own."""
    give_up = time.monotonic() + within_s
    pause = threading.Event()
    while time.monotonic() < give_up:
        if act():
            return True
        pause.wait(0.05)
    return False
