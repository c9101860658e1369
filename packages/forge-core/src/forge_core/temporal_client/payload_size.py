"""Making sure that Temporal can take what an activity returns.

A result that cannot be encoded, or is larger than the server takes, fails after it has been paid
for, and is paid for again on every attempt.
"""

from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError

INLINE_LIMIT_BYTES = 1_900_000
"""Largest payload inside the history; the server refuses 2 MB, and the next input adds to it."""

OUTSIDE_LIMIT_BYTES = 48_000_000
"""Largest payload that is kept outside; a bucket takes 50 MiB."""

TOO_LARGE = "payload_too_large"
"""Type of the error for a value beyond the limit."""

Model = TypeVar("Model", bound=BaseModel)


def get_limit(converter: DataConverter) -> int:
    """Return the largest payload, in bytes, that a connection with this converter transfers."""
    return OUTSIDE_LIMIT_BYTES if converter.external_storage else INLINE_LIMIT_BYTES


def ensure_transferable(value: Model, what: str, limit_bytes: int) -> Model:
    """Return a value that can be encoded; text that UTF-8 cannot hold is escaped.

    A lone surrogate becomes its backslash escape. A value that needs no such change is returned
    as it is.

    Args:
        value: What an activity is about to return.
        what: Names it in the error, as in "the model's answer".
        limit_bytes: Largest size.

    Raises:
        ApplicationError: It is too large to be transferred; trying again does not help.
    """
    try:
        size = len(to_json(value))
    except (PydanticSerializationError, UnicodeError):
        value = type(value).model_validate(_escape(value.model_dump()))
        size = len(to_json(value))
    if size > limit_bytes:
        raise ApplicationError(
            f"{what} takes {size:,} bytes and Temporal takes {limit_bytes:,}: "
            "ask for less at a time, or lower token_budget",
            type=TOO_LARGE,
            non_retryable=True,
        )
    return value


def _escape(value: Any) -> Any:  # noqa: ANN401 - whatever a dumped model holds
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_escape(key): _escape(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_escape(item) for item in value]
    return value
