"""Whether the code that runs now is inside a block that records its call itself.

What instruments the same program from outside asks for it, so that one request is one row.
See D95.
"""

from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import Final
from weakref import WeakMethod


class Block:
    """A block that is open until it is left, by whichever context.

    An asynchronous generator that nobody reads to its end is closed in another context than the one
    that its block began in; there the variable keeps the block, which says that it is over.
    """

    __slots__ = ("_around", "_is_open", "_token")

    def __init__(self) -> None:
        self._around = _find_open()
        self._is_open = True
        self._token: Token[Block | None] = _innermost.set(self)
        for listener in tuple(_listeners):
            method = listener()
            if method is not None:
                method()
                continue
            with suppress(ValueError):  # another thread was first
                _listeners.remove(listener)

    def leave(self) -> None:
        """Note that the block ends."""
        self._is_open = False
        if _innermost.get() is self:
            with suppress(ValueError, RuntimeError):  # it began in another context, or was left
                _innermost.reset(self._token)

    def find_open(self) -> "Block | None":
        """Return the innermost of this block and those around it that is open."""
        block: Block | None = self
        while block is not None and not block._is_open:  # noqa: SLF001
            block = block._around  # noqa: SLF001
        return block


_listeners: Final[list[WeakMethod[Callable[[], None]]]] = []
_innermost: Final[ContextVar[Block | None]] = ContextVar("forge_obs_observed", default=None)


def call_at_blocks(method: Callable[[], None]) -> None:
    """Have a method called as each block begins, while its object lives; it must not raise."""
    _listeners.append(WeakMethod(method))


def _find_open() -> Block | None:
    block = _innermost.get()
    return None if block is None else block.find_open()


def is_observed() -> bool:
    """Return whether a block of `observe()` is open here: in this thread, in this task."""
    return _find_open() is not None
