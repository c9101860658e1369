"""Recording to a store, one that somebody else keeps locked, and waiting for it to work again."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from forge_obs import StoreUnavailable, record
from forge_obs.database import handle

# Tests pass what no type checker would let through.
_untyped: Any = record


def interaction(**fields: object) -> bool:
    """Record a call with a few of its fields, which may be anything."""
    call = {"task_id": "t", "role": "llm", "system_prompt": "s", "user_prompt": "u"}
    return bool(_untyped("interaction", **{**call, **fields}))


@contextmanager
def locked(db: Path) -> Iterator[None]:
    """Hold the write lock of a database, as a busy program would."""
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def forget_databases() -> None:
    """Close the databases of this process and forget them, but for one that is in use."""
    for database in handle.list_open():
        with suppress(StoreUnavailable):
            database.retire(wait_s=0.0, forget=True)
            del handle._open[database.path]


def eventually(act: Callable[[], bool], within_s: float = 60.0) -> bool:
    """Call until it gives True; the store is tried again after a pause of its own."""
    give_up = time.monotonic() + within_s
    pause = threading.Event()
    while time.monotonic() < give_up:
        if act():
            return True
        pause.wait(0.05)
    return False
