"""Making sure that Temporal can take what an activity returns.

A result that cannot be encoded, or is larger than the server takes, fails after it has been paid
for, and is paid for again on every attempt.
"""

from typing import Any, TypeVar

from pydantic import BaseModel
from temporalio.exceptions import ApplicationError

LIMIT_BYTES = 1_900_000
"""Largest payload; the server refuses 2 MB, and the input of the next activity adds to it."""

Model = TypeVar("Model", bound=BaseModel)


def ensure_transferable(value: Model, what: str) -> Model:
    """Return a value that can be encoded; text that UTF-8 cannot hold is escaped.

    Raises:
        ApplicationError: It is too large to be transferred; trying again does not help.
    """
    try:
        size = len(value.model_dump_json().encode())
    except (ValueError, UnicodeError):
        value = type(value).model_validate(_clean(value.model_dump()))
        size = len(value.model_dump_json().encode())
    if size > LIMIT_BYTES:
        raise ApplicationError(
            f"{what} takes {size} bytes and Temporal takes {LIMIT_BYTES}: "
            "ask for less at a time, or lower token_budget",
            type="llm.too_large",
            non_retryable=True,
        )
    return value


def _clean(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value
