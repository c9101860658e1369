"""What an exception around a request says of it: a kind of error, and a text. Pure.

Clients of providers are known by the HTTP status that their exceptions carry, not by their classes.
"""

from collections.abc import Mapping
from typing import Final

NO_ANSWER: Final = "no_answer"
"""Kind of error of a block that ended without an answer."""

NOT_SENT: Final = "not_sent"
"""Kind of error of a request that never went out."""

LONGEST: Final = 10_000
"""Longest text of an exception that is kept, in characters."""

_BY_STATUS: Final[Mapping[int, str]] = {
    400: "rejected",
    401: "authentication",
    403: "authentication",
    404: "not_found",
    408: "timeout",
    413: "context_too_long",
    422: "rejected",
    429: "rate_limited",
    503: "overloaded",
    529: "overloaded",
}

_BY_NAME: Final[Mapping[str, str]] = {
    "CancelledError": "cancelled",
    "Cancelled": "cancelled",
    "GeneratorExit": "cancelled",
    "KeyboardInterrupt": "interrupted",
    "TimeoutError": "timeout",
    "APITimeoutError": "timeout",
    "ConnectTimeout": "timeout",
    "ReadTimeout": "timeout",
    "APIConnectionError": "connection",
    "ConnectError": "connection",
    "ConnectionError": "connection",
    "ReadError": "connection",
}


def describe_failure(error: BaseException) -> tuple[str, str]:
    """Return a kind of error and a text; an exception of others may raise while it is read."""
    name = type(error).__name__
    text = str(error)[:LONGEST]
    return _classify(error, name, text), f"{name}: {text}" if text else name


def _classify(error: BaseException, name: str, text: str) -> str:
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status, int) and status >= 400:
        if status in {402, 429} and "quota" in text:
            return "quota"
        return _BY_STATUS.get(status, "server_error" if status >= 500 else "rejected")
    kinds = (_BY_NAME[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _BY_NAME)
    return next(kinds, name)
