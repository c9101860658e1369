"""Executing activities so that a cancelled run stops at the next one at the latest.

An activity that completes although it was asked to stop, as git's do, makes the SDK deliver its
result and drop the cancellation. Whoever cancelled the run would see it continue and spend.

See D58.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.workflow import ActivityConfig

with workflow.unsafe.imports_passed_through():
    from forge_core.errors import UNEXPECTED, DiskFull
    from forge_core.models.activity import RunOwner
    from forge_core.workflows.options import SHORT_OPTIONS, build_worktree_options
    from forge_core.workflows.transition import find_cause

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


async def execute_short(
    activity: Callable[[Argument], Result], argument: Argument, owner: RunOwner
) -> Result:
    """Execute a short activity and return its result.

    Raises:
        CancelledError: The run was cancelled while the activity went on.
        FailureError: The activity failed; see `find_cause`.
    """
    result: Result = await finish_short(activity, argument, owner)
    stop_if_cancelled()
    return result


async def finish_short(activity: Callable[..., Any], argument: Any, owner: RunOwner) -> Any:  # noqa: ANN401
    """Execute a short activity and return its result, also in a run that was cancelled.

    Args:
        activity: Takes milliseconds, and may be executed again after it has completed.
        argument: Its argument.
        owner: Who has the worktree. Its activity is local only if no other worker can have the
            workflow; in a cluster another may.
    """
    if owner.sole:
        try:
            return await workflow.execute_local_activity(activity, argument, **SHORT_OPTIONS)
        except FailureError as error:
            if not _is_retryable(error):
                raise
    options = build_worktree_options(owner.task_queue)
    return await workflow.execute_activity(activity, argument, **options)


def _is_retryable(error: FailureError) -> bool:
    """Return whether a failed local activity is worth a regular one, which waits in plain view."""
    cause = find_cause(error)
    return isinstance(cause, ApplicationError) and cause.type in {DiskFull.__name__, UNEXPECTED}


def stop_if_cancelled() -> None:
    """Stop here if the run was cancelled.

    Raises:
        CancelledError: It was.
    """
    if workflow.cancellation_reason() is not None:
        raise asyncio.CancelledError
