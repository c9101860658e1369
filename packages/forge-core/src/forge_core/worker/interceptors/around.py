"""What the interceptors of activities have in common: each puts something around every activity."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

Proceed = Callable[[], Awaitable[Any]]
"""Executes the activity and returns its result."""


class AroundActivity(Interceptor):
    """Puts its `execute` around each activity of a worker."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - as the base has it
        """Stand around the activity."""
        return _Around(next, self.execute)

    async def execute(self, proceed: Proceed) -> Any:  # noqa: ANN401 - whatever activities return
        """Execute an activity and return its result.

        Args:
            proceed: Executes it, with what other interceptors put around it.
        """
        raise NotImplementedError


class _Around(ActivityInboundInterceptor):
    def __init__(
        self,
        next: ActivityInboundInterceptor,  # noqa: A002
        execute: Callable[[Proceed], Awaitable[Any]],
    ) -> None:
        super().__init__(next)
        self._execute = execute

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401
        """Execute the activity inside what was given."""
        return await self._execute(partial(self.next.execute_activity, input))
