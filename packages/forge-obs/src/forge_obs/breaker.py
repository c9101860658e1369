"""When to try again after a failure, and when to speak about losses. Pure: time is an argument."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

FIRST_PAUSE_S: Final = 1.0
"""How long the store is left alone after a first failure, in seconds."""

LONGEST_PAUSE_S: Final = 10.0
"""How long it is left alone at most; the pause doubles with each failure."""

WARN_EVERY_S: Final = 60.0
"""One warning per kind of failure in that many seconds."""

MOST_KINDS: Final = 50
"""What is said but once is said no more when that many kinds of lines have been."""


@dataclass(frozen=True)
class Breaker:
    """Whether a store is worth trying.

    Attributes:
        failures: Failures in a row.
        closed_until: Before this moment nothing is tried, in seconds of a monotonic clock.
    """

    failures: int = 0
    closed_until: float = 0.0

    def allows(self, now: float) -> bool:
        """Tell whether a call may try the store."""
        return now >= self.closed_until

    def failed(self, now: float) -> "Breaker":
        """Leave the store alone for a while, longer each time.

        A call that was under way when the pause began changes nothing: many threads that fail
        together are one failure.
        """
        if not self.allows(now):
            return self
        pause = min(FIRST_PAUSE_S * 2**self.failures, LONGEST_PAUSE_S)
        return Breaker(self.failures + 1, now + pause)


@dataclass(frozen=True)
class Losses:
    """What was not stored, and what has been said about it.

    Attributes:
        total: Entries lost since the process started.
        warned_at: When each kind of failure was last warned about.
    """

    total: int = 0
    warned_at: Mapping[str, float] = field(default_factory=dict)

    def lost(self, number: int = 1) -> "Losses":
        """Count entries."""
        return replace(self, total=self.total + number)

    def should_warn(self, kind: str, now: float) -> bool:
        """Tell whether it is time to warn about this kind of failure."""
        return now - self.warned_at.get(kind, -WARN_EVERY_S) >= WARN_EVERY_S

    def is_new(self, kind: str) -> bool:
        """Tell whether to say what is said but once: kinds that callers make up have no end."""
        return kind not in self.warned_at and len(self.warned_at) < MOST_KINDS

    def warned(self, kind: str, now: float) -> "Losses":
        """Remember that a kind of failure was warned about."""
        return replace(self, warned_at={**self.warned_at, kind: now})
