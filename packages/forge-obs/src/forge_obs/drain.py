"""Bring entries that wait in the spool into the database, as `record()` would have written them."""

import time
from functools import partial
from pathlib import Path
from typing import Final

from forge_obs import spool
from forge_obs.engine import keep_up
from forge_obs.entries import Entry
from forge_obs.errors import is_about_the_entry
from forge_obs.spool import Drained
from forge_obs.sqlite import DRIVER_ERRORS
from forge_obs.writer import make_writable, write_at

BATCH_S: Final = 0.2
"""How long one batch may take, in seconds; whoever wants to spool waits for it."""

WRITE_S: Final = 0.2
"""How long a batch waits for the spool, and each entry of it for the database, in seconds."""


def drain_batch(path: Path, *, timeout_s: float, migrate_s: float) -> Drained:
    """Store the oldest waiting entries, as many as a short while allows.

    Args:
        path: Path of the database.
        timeout_s: How long to wait for the database and the spool, in seconds.
        migrate_s: How long to wait instead if the schema is to be made or upgraded.

    Raises:
        SpoolUnavailable: The spool is kept busy, or cannot be read or written.
        Exception: What `write_at` raises about the database.
    """
    give_up = time.monotonic() + timeout_s
    make_writable(path, timeout_s=timeout_s, migrate_s=migrate_s)
    left_s = max(0.0, give_up - time.monotonic())
    budget_s = min(BATCH_S, left_s)
    wait_s = min(WRITE_S, left_s)
    return spool.drain(path, partial(_save, path), budget_s=budget_s, timeout_s=wait_s)


def drain_all(path: Path, *, timeout_s: float) -> Drained:
    """Store waiting entries until none is left or time is up; raises what `drain_batch` raises."""
    give_up = time.monotonic() + timeout_s
    unusable = 0
    while (left_s := give_up - time.monotonic()) > 0:
        batch = drain_batch(path, timeout_s=left_s, migrate_s=left_s)
        unusable += batch.unusable
        if batch.empty:
            return Drained(empty=True, unusable=unusable)
        keep_up(path)  # not inside of a batch, for which whoever wants to spool waits
    return Drained(empty=False, unusable=unusable)


def _save(path: Path, entry: Entry) -> bool:
    try:
        write_at(path, entry, timeout_s=WRITE_S, migrate_s=WRITE_S)
    except (*DRIVER_ERRORS, UnicodeEncodeError) as error:
        if not is_about_the_entry(error):
            raise
        return False
    return True
