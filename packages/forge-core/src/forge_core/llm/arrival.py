"""What has arrived of an answer that is still on its way."""

from collections.abc import Callable
from dataclasses import dataclass

from forge_core.llm.request import ModelAnswer

CHARS_PER_TOKEN = 4
"""For counting tokens as they come; what the provider reports at the end takes its place."""


def find_nothing() -> ModelAnswer | None:
    """Nothing has arrived."""


@dataclass(slots=True)
class Arrival:
    """Filled by whoever receives an answer, read at any time by whoever tells of it."""

    chars: int = 0
    """Characters of text, reasoning and arguments so far."""
    pieces: int = 0
    """Parts in which they came."""
    find_answer: Callable[[], ModelAnswer | None] = find_nothing
    """Returns what is there by now, with the figures that are known; None where nothing is."""

    @property
    def tokens(self) -> int:
        """Tokens so far: an estimate, since a piece may be one token or many."""
        return max(self.pieces, self.chars // CHARS_PER_TOKEN)
