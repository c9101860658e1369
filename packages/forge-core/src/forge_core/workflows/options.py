"""Timeouts and retries of every activity and child workflow, in one place.

A short activity, one that takes milliseconds and may be repeated, is local to the workflow's worker
where that is sure to own the run: it costs 2 ms instead of 7 to 50. It is executed again from
the last completed workflow task if the worker dies, holds up the workflow while it runs and cannot
heartbeat. What may take longer than a second, or costs money, is a regular activity.

No activity has a small number of attempts: shutdowns and crashes of a worker use attempts up.
What another attempt cannot fix is raised as not retryable, and the provider's failures are counted
by the call itself. See D46 and D58.
"""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityConfig, LocalActivityConfig

from forge_core.models.call.settings import CallSettings

TASK_TIMEOUT = timedelta(seconds=5)
"""Longest workflow task; a crash delays the run by at most this much."""

HEARTBEAT_TIMEOUT = timedelta(seconds=30)
"""A worker that is silent for this long is taken for dead."""

MAX_ACTIVITY_ATTEMPTS = 100
"""Attempts at an activity, far more than the restarts that a run may live through."""

MOST_REQUESTS = 6
"""Requests of one call that may each take as long as a request may."""

RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=MAX_ACTIVITY_ATTEMPTS,
)

SHORT_OPTIONS = LocalActivityConfig(
    start_to_close_timeout=timedelta(minutes=10),
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry_policy=RETRIES,
)
"""Of a short activity in the workflow's own worker; a busy disk may delay it all the same."""


def build_activity_options(task_queue: str, start_to_close: timedelta) -> ActivityConfig:
    """Build the options of a regular activity on the queue of the run's owner."""
    return ActivityConfig(
        task_queue=task_queue,
        start_to_close_timeout=start_to_close,
        heartbeat_timeout=HEARTBEAT_TIMEOUT,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        retry_policy=RETRIES,
    )


def build_worktree_options(task_queue: str) -> ActivityConfig:
    """Build the options of what reads or changes a repository, or puts a run on record."""
    return build_activity_options(task_queue, timedelta(minutes=10))


def build_call_options(task_queue: str, settings: CallSettings) -> ActivityConfig:
    """Build the options of a model call, its resamples included."""
    requests = MOST_REQUESTS * timedelta(seconds=settings.effective_timeout_s)
    return build_activity_options(task_queue, max(timedelta(hours=1), requests))


def build_validation_options(task_queue: str, longest_s: float) -> ActivityConfig:
    """Build the options of validation, whose commands have timeouts of their own."""
    return build_activity_options(task_queue, timedelta(minutes=10) + timedelta(seconds=longest_s))
