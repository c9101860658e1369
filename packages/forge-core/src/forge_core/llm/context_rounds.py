"""Rounds in which a model asks for more context before it answers; pure.

See D78.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from forge_core.llm.request import ModelRequest
from forge_core.models.call.context import ShownFile
from forge_core.models.call.context_request import ContextRequest

NO_MORE = (
    "nothing more can be shown: leave context_request empty and answer with what you have seen"
)
"""What is said to a model that asks once too often."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a model is shown because it asked."""

    sections: tuple[str, ...]
    shown: tuple[ShownFile, ...] = ()
    """What the sections show of files."""
    told: str = ""
    """What was asked and shown, in one line for the record."""


GiveContext = Callable[[ContextRequest, Sequence[ShownFile]], Given]
"""Finds what is asked for, knowing what was shown; may take a while."""


@dataclass(frozen=True, slots=True)
class ContextRounds:
    """How often a model may ask, and who answers it."""

    most: int
    give: GiveContext


def ask_on(request: ModelRequest, shown: Sequence[str], left: int) -> ModelRequest:
    """Build the request that follows one for more context.

    Args:
        request: The call's first request, whose prompt stays in front so that it can be cached.
        shown: What the call has shown since then, as sections.
        left: Times that the model may still ask.
    """
    times = {0: "Nothing more can be shown: answer now.", 1: "You may ask once more."}
    more = times.get(left, f"You may ask {left} times more.")
    section = f"## Your request\n\nWhat you asked for stands above, as far as it may be. {more}\n"
    return replace(request, user_prompt="\n\n".join((request.user_prompt, *shown, section)))
