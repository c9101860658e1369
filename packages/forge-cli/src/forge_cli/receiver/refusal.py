"""Why a request is refused, in the words of HTTP and of gRPC; pure."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

TOO_SLOW: Final = 408
"""Status of HTTP for a sender that may not go on sending."""


class Code(IntEnum):
    """Kinds of failure as gRPC numbers them."""

    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


class Refusal(Exception):
    """A request is not carried out.

    Attributes:
        status: Of HTTP. Senders repeat a request after 429 and 503, and drop it after others.
        code: The same for gRPC.
        message: One line for whoever runs the sender; quotes nothing of what was sent.
        headers: What an answer says besides.
    """

    def __init__(
        self, status: int, code: Code, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def build_malformed(message: str) -> Refusal:
    """Build the refusal of what can never be read."""
    return Refusal(400, Code.INVALID_ARGUMENT, message)


def build_too_large(what: str, most_bytes: int) -> Refusal:
    """Build the refusal of a body that is larger than any may be."""
    most = f"{most_bytes / 1_000_000:g} MB"
    return Refusal(413, Code.RESOURCE_EXHAUSTED, f"the body is larger than {most} {what}")


def build_too_slow() -> Refusal:
    """Build the refusal of a body that takes too long."""
    return Refusal(TOO_SLOW, Code.INVALID_ARGUMENT, "the body came too slowly")


def build_busy(message: str, wait_s: int) -> Refusal:
    """Build the refusal of what has no room now."""
    return Refusal(429, Code.RESOURCE_EXHAUSTED, message, {"retry-after": str(wait_s)})


def build_unavailable(message: str, wait_s: int) -> Refusal:
    """Build the refusal of what cannot be stored now."""
    return Refusal(503, Code.UNAVAILABLE, message, {"retry-after": str(wait_s)})
