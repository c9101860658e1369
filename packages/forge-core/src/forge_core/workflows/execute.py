"""Executing activities so that a cancelled run stops at the next one at the latest.

An activity that completes although it was told to stop, as git's do, makes the SDK deliver its
result and drop the cancellation. Whoever cancelled the run would see it go on and pay.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

from temporalio import workflow
from temporalio.workflow import ActivityConfig

FAILURES: tuple[type[Exception], ...] = (
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""Mistakes of ours that end a run, instead of leaving it under way for ever."""

Argument = TypeVar("Argument")
Result = TypeVar("Result")


@overload
async def execute(
    activity: Callable[[Argument], Awaitable[Result]], argument: Argument, options: ActivityConfig
) -> Result: ...


@overload
async def execute(
    activity: Callable[[Argument], Result], argument: Argument, options: ActivityConfig
) -> Result: ...


async def execute(activity: Any, argument: Any, options: ActivityConfig) -> Any:
    """Execute an activity and return its result.

    Raises:
        CancelledError: The run was cancelled while the activity went on.
        ActivityError: The activity failed.
    """
    result = await workflow.execute_activity(activity, argument, **options)
    stop_if_cancelled()
    return result


def stop_if_cancelled() -> None:
    """Stop here if the run was cancelled.

    Raises:
        CancelledError: It was.
    """
    if workflow.cancellation_reason() is not None:
        raise asyncio.CancelledError
