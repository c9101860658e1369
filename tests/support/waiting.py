"""Waiting for a condition, never for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

DEADLINE_S = 120.0
INTERVAL_S = 0.05

Found = TypeVar("Found")


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Return when a condition holds; fail when it does not in time."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {DEADLINE_S:.0f} s for {what}")
        time.sleep(INTERVAL_S)


async def until(look: Callable[[], Awaitable[Found | None]], what: str) -> Found:
    """Return what a look finds once it finds something; fail when it does not in time."""
    async with asyncio.timeout(DEADLINE_S):
        while not (found := await look()):  # noqa: ASYNC110 - nothing tells when to look again
            await asyncio.sleep(INTERVAL_S)
    assert found, what
    return found
