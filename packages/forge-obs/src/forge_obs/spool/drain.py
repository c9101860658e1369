"""Bring entries that wait in the spool into the database, as `record()` would have written them."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from forge_obs.database.handle import keep_up
from forge_obs.database.writer import make_writable, write_at
from forge_obs.model.entries import Entry
from forge_obs.spool import file as spool

BATCH_S: Final = 0.2
"""How long one batch may take, in seconds; whoever wants to spool waits for it."""

WRITE_S: Final = 0.2
"""How long a batch waits for the spool, and each entry of it for the database, in seconds."""


def drain_batch(
    path: Path, lose: Callable[[int], None], *, timeout_s: float, migrate_s: float
) -> bool:
    """Store the oldest waiting entries, as many as a short while allows.

    Args:
        path: Path of the database.
        lose: Told of how many lines are of no use to any database.
        timeout_s: How long to wait for the database and the spool, in seconds.
        migrate_s: How long to wait instead if the schema is to be made or upgraded.

    Returns:
        Whether nothing waits any more.

    Raises:
        SpoolUnavailable: The spool is kept busy, or cannot be read or written.
        Exception: What `write_at` raises about the database.
    """
    give_up = time.monotonic() + timeout_s
    make_writable(path, timeout_s=timeout_s, migrate_s=migrate_s)
    left_s = max(0.0, give_up - time.monotonic())
    budget_s = min(BATCH_S, left_s)
    wait_s = min(WRITE_S, left_s)
    return spool.drain(path, partial(_save, path), lose, budget_s=budget_s, timeout_s=wait_s)


def drain_all(path: Path, lose: Callable[[int], None], *, timeout_s: float) -> None:
    """Store waiting entries until none is left or time is up; raises what `drain_batch` raises."""
    give_up = time.monotonic() + timeout_s
    while (left_s := give_up - time.monotonic()) > 0:
        if drain_batch(path, lose, timeout_s=left_s, migrate_s=left_s):
            return
        keep_up(path)  # not inside of a batch, for which whoever wants to spool waits


def _save(path: Path, entry: Entry) -> bool:
    [refusal] = write_at(path, [entry], timeout_s=WRITE_S, migrate_s=WRITE_S)
    return refusal is None
