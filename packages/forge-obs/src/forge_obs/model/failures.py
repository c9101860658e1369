"""What an exception around a request says of it: a kind of error, and a text. Pure.

Clients of providers are known by the HTTP status that their exceptions carry, not by their classes.
Where there is but the name of a class, or a word of a provider, that tells.
"""

import re
from collections.abc import Iterable, Mapping
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

_BY_WORD: Final[Mapping[str, str]] = {
    **_BY_NAME,
    "AuthenticationError": "authentication",
    "PermissionDeniedError": "authentication",
    "BadRequestError": "rejected",
    "UnprocessableEntityError": "rejected",
    "ContextWindowExceededError": "context_too_long",
    "InternalServerError": "server_error",
    "NotFoundError": "not_found",
    "OverloadedError": "overloaded",
    "ServiceUnavailableError": "overloaded",
    "RateLimitError": "rate_limited",
    "ThrottlingException": "rate_limited",
    "Timeout": "timeout",
    "api_error": "server_error",
    "authentication_error": "authentication",
    "connection_error": "connection",
    "permission_error": "authentication",
    "context_length_exceeded": "context_too_long",
    "request_too_large": "context_too_long",
    "insufficient_quota": "quota",
    "invalid_request_error": "rejected",
    "not_found_error": "not_found",
    "overloaded_error": "overloaded",
    "rate_limit_error": "rate_limited",
    "rate_limit_exceeded": "rate_limited",
    "server_error": "server_error",
    "timeout": "timeout",
    "timeout_error": "timeout",
}
"""Kinds by the end of the name of a class, and by words of OpenAI and Anthropic."""

_STATUS: Final = re.compile(
    r"\b(?:error code|status|status[ _]code|HTTP)[ :=]{1,3}([45]\d\d)\b", re.I
)
"""How clients of providers begin their messages."""

_LOOKED_AT: Final = 1_000


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
        return _classify_status(status, text)
    kinds = (_BY_NAME[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _BY_NAME)
    return next(kinds, name)


def classify_told(names: Iterable[str], text: str, status: int | None) -> str | None:
    """Return a kind of error by what is told of an exception elsewhere; None for no kind of ours.

    Args:
        names: Names of classes, with or without their modules, words of providers, or statuses,
            the best first.
        text: What the exception says.
        status: Of the answer to the request, where it is known.
    """
    told = list(names)
    if status is None:
        status = next((int(n) for n in told if len(n) == 3 and n.isascii() and n.isdigit()), None)
    if status is None and (match := _STATUS.search(text[:_LOOKED_AT])):
        status = int(match[1])
    if status is not None and status >= 400:
        return _classify_status(status, text)
    last_parts = (name.rpartition(".")[2] for name in told)
    return next(filter(None, map(_find_word, last_parts)), None)


def _classify_status(status: int, text: str) -> str:
    if status in {402, 429} and "quota" in text:
        return "quota"
    return _BY_STATUS.get(status, "server_error" if status >= 500 else "rejected")


def _find_word(word: str) -> str | None:
    """Return the kind of a word; a class may have more before its usual name."""
    if word in _BY_WORD:
        return _BY_WORD[word]
    return next(
        (kind for end, kind in _BY_WORD.items() if end[0].isupper() and word.endswith(end)), None
    )
