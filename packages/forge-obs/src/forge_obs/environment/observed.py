"""Whether the code that runs now is inside a block that records its call itself.

What instruments the same program from outside asks for it, so that one request is one row.
See D95.
"""

from contextlib import suppress
from contextvars import ContextVar, Token
from typing import Final

_is_observed: Final[ContextVar[bool]] = ContextVar("forge_obs_is_observed", default=False)


def is_observed() -> bool:
    """Return whether a block of `observe()` is open here: in this thread, in this task."""
    return _is_observed.get()


def enter_block() -> Token[bool]:
    """Note that a block begins; what it gives is for `leave_block`."""
    return _is_observed.set(True)


def leave_block(token: Token[bool]) -> None:
    """Note that a block ends; one that another context began is left to that."""
    with suppress(ValueError, RuntimeError):
        _is_observed.reset(token)
