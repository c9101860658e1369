"""How much a receiver takes at a time; pure."""

from dataclasses import dataclass
from typing import Final

MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a receiver's memory, and how long it waits for a sender.

    Attributes:
        body_bytes: The largest body, as it is sent.
        unpacked_bytes: The largest body when it is unpacked; one at a time is.
        held_bytes: All bodies that have arrived and are not answered yet, as they are sent.
        held_bodies: Their number.
        connections: Open at a time; more are closed at once.
        head_s: How long the head of a request may take, in seconds.
        part_s: How long a body may stand still.
        body_s: How long a body may take.
        fair_s: How long it may take where others want its room.
        stop_s: How long those under way may take when the receiver is told to stop.
    """

    body_bytes: int = 16 * MEGABYTE
    unpacked_bytes: int = 64 * MEGABYTE
    held_bytes: int = 64 * MEGABYTE
    held_bodies: int = 64
    connections: int = 256
    head_s: float = 10.0
    part_s: float = 10.0
    body_s: float = 60.0
    fair_s: float = 2.0
    stop_s: float = 10.0


class Room:
    """The bodies that are held; used by one thread.

    Args:
        limits: How many there may be.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.held_bytes = 0
        self.held_bodies = 0

    def has(self, size: int) -> bool:
        """Return whether a body of this size has room now."""
        return (
            self.held_bodies < self._limits.held_bodies
            and self.held_bytes + size <= self._limits.held_bytes
        )

    def grow(self, size: int) -> bool:
        """Make room for more of a body that is held; False where there is none."""
        if self.held_bytes + size > self._limits.held_bytes:
            return False
        self.held_bytes += size
        return True
