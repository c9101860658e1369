"""The local time of this process, as a user's machine has it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def local_time(zone: str) -> Iterator[None]:
    """Let local time be that of a zone, such as `Europe/Berlin`."""
    before = os.environ.get("TZ")
    _set(zone)
    try:
        yield
    finally:
        _set(before)


def _set(zone: str | None) -> None:
    if zone is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = zone
    time.tzset()
