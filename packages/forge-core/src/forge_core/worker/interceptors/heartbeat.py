"""Heartbeats for every activity, sent while it runs without its doing."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.worker import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

HEARTBEAT_INTERVAL = timedelta(seconds=1)
"""Between two heartbeats; as long as a cancellation takes to reach an activity, at most."""

HEARTBEAT_THROTTLE = timedelta(seconds=0.5)
"""For the worker's `max_heartbeat_throttle_interval`, which has to be below the interval.

Temporal holds heartbeats back for 0.8 of the heartbeat timeout unless told otherwise, and a
cancellation with them: it only comes as the answer to one.
"""


class HeartbeatInterceptor(Interceptor):
    """Heartbeats for each activity of a worker, so that cancellation reaches it.

    The details that an activity heartbeats itself are repeated with each beat, and those of an
    earlier attempt are carried on: a heartbeat without details would erase them. An activity
    that ends within the interval costs no heartbeat. A local activity has none: it is short.

    Args:
        interval: Time between two heartbeats.
    """

    def __init__(self, interval: timedelta = HEARTBEAT_INTERVAL) -> None:
        self._interval_s = interval.total_seconds()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Put the heartbeat around the activity."""
        return _Beating(next, self._interval_s)


class _Remembering(ActivityOutboundInterceptor):
    """Passes heartbeats on and remembers their details."""

    def __init__(self, next: ActivityOutboundInterceptor) -> None:  # noqa: A002
        super().__init__(next)
        self.details: tuple[Any, ...] = ()

    def heartbeat(self, *details: Any) -> None:  # noqa: ANN401
        """Keep the details, and send them."""
        self.details = details
        super().heartbeat(*details)

    def repeat(self) -> None:
        """Send the last details again."""
        super().heartbeat(*self.details)


class _Beating(ActivityInboundInterceptor):
    """Repeats the last heartbeat of the activity while it runs."""

    def __init__(self, next: ActivityInboundInterceptor, interval_s: float) -> None:  # noqa: A002
        super().__init__(next)
        self._interval_s = interval_s

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        """Put what remembers details in front of what sends them."""
        self._outbound = _Remembering(outbound)
        super().init(self._outbound)

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401
        """Execute an activity with heartbeats; a local one has none."""
        if activity.info().is_local:
            return await super().execute_activity(input)
        self._outbound.details = tuple(activity.info().heartbeat_details)
        beating = asyncio.create_task(self._beat())
        try:
            return await super().execute_activity(input)
        finally:
            beating.cancel()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            self._outbound.repeat()
