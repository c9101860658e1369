"""Failures of activities in Temporal's terms: what may pass is tried again, the rest is final."""

from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from forge_core.errors import DiskFull, ForgeError, GitFailed
from forge_core.files.disk import find_full_disk

REPEATING_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""Our own mistakes, and a disk that refuses: trying again does the same again."""

DISK_DELAY_S, MAX_DISK_DELAY_S = 5.0, 300.0
"""Seconds until a full disk is tried again: for each try so many more, up to the second."""

MAX_GIT_TRIES = 3
"""Tries of an activity after which a failing git is final: a lock passes, damage does not."""

MESSAGE_LENGTH = 2000
"""Characters of a message; Temporal fails on one of megabytes, and the cause is lost."""


class FailureInterceptor(Interceptor):
    """Lets an exception end the run with its reason, unless trying again may help."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - as the base has it
        """Put the conversion around the activity."""
        return _Converting(next)


class _Converting(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401
        try:
            return await super().execute_activity(input)
        except DiskFull as error:
            raise _postpone(error) from error
        except GitFailed as error:
            final = activity.info().attempt >= MAX_GIT_TRIES
            raise _convert(error, str(error), final=final) from error
        except ForgeError as error:
            raise _convert(error, str(error), final=True) from error
        except REPEATING_ERRORS as error:
            full = find_full_disk(error) if isinstance(error, OSError) else None
            if full is not None:
                raise _postpone(full) from error
            raise _convert(error, f"{type(error).__name__}: {error}", final=True) from error


def _convert(error: Exception, message: str, *, final: bool) -> ApplicationError:
    return ApplicationError(
        message[:MESSAGE_LENGTH], type=type(error).__name__, non_retryable=final
    )


def _postpone(full: DiskFull) -> ApplicationError:
    """Have an activity tried again later; a local one by its workflow, as a regular one."""
    info = activity.info()
    delay_s = min(DISK_DELAY_S * info.attempt, MAX_DISK_DELAY_S)
    return ApplicationError(
        str(full)[:MESSAGE_LENGTH],
        type=DiskFull.__name__,
        non_retryable=info.is_local,
        next_retry_delay=timedelta(seconds=delay_s),
    )
