"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable

DEADLINE_S = 60.0
INTERVAL_S = 0.05


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Return when a condition holds; fail when it does not in time."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {DEADLINE_S:.0f} s for {what}")
        time.sleep(INTERVAL_S)
