"""Failures of activities that would only repeat themselves, made final."""

from typing import Any

from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

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

MESSAGE_LENGTH = 2000
"""Characters of a message; Temporal fails on one of megabytes, and the cause is lost."""


class FailureInterceptor(Interceptor):
    """Lets an unexpected exception end the run with its reason, instead of being repeated."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - as the base has it
        """Put the conversion around the activity."""
        return _Converting(next)


class _Converting(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401
        try:
            return await super().execute_activity(input)
        except REPEATING_ERRORS as error:
            name = type(error).__name__
            message = f"{name}: {error}"[:MESSAGE_LENGTH]
            raise ApplicationError(message, type=name, non_retryable=True) from error
