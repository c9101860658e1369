"""Failures of activities in Temporal's terms: what may pass is tried again, the rest is final."""

from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from forge_core.errors import ForgeError, GitFailed

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
        except GitFailed as error:
            final = activity.info().attempt >= MAX_GIT_TRIES
            raise _convert(error, str(error), final=final) from error
        except ForgeError as error:
            raise _convert(error, str(error), final=True) from error
        except REPEATING_ERRORS as error:
            raise _convert(error, f"{type(error).__name__}: {error}", final=True) from error


def _convert(error: Exception, message: str, *, final: bool) -> ApplicationError:
    return ApplicationError(
        message[:MESSAGE_LENGTH], type=type(error).__name__, non_retryable=final
    )
