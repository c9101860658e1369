"""Which sections of two calls' prompts are the same, changed, new or gone; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

from forge_obs import Interaction

from forge_cli.views.calls.conversation import Message, read_conversation
from forge_cli.views.calls.sections import CHARS_PER_TOKEN, PromptSection, read_sections

State = Literal["same", "changed", "new", "gone"]

STATES: tuple[State, ...] = ("changed", "new", "gone", "same")
"""In the order in which they are told."""


@dataclass(frozen=True, slots=True)
class SectionPair:
    """What two prompts show of the same thing."""

    old: PromptSection | None
    """None where only the second prompt has it."""
    new: PromptSection | None
    """None where only the first prompt has it."""

    @property
    def state(self) -> State:
        """What became of it."""
        if self.old is None:
            return "new"
        if self.new is None:
            return "gone"
        return "same" if self.old.text == self.new.text else "changed"

    @property
    def section(self) -> PromptSection:
        """The newer of both."""
        section = self.new or self.old
        if section is None:
            raise ValueError("a pair of nothing")
        return section

    @property
    def tokens(self) -> tuple[int, int]:
        """Estimated tokens of both, 0 of none."""
        return (self.old.tokens if self.old else 0, self.new.tokens if self.new else 0)


def list_sections(call: Interaction) -> tuple[PromptSection, ...]:
    """List what a call was told: its messages where it has a conversation, else its sections."""
    asked = read_conversation(call.messages_json).asked
    if not asked:
        return read_sections(call)
    return tuple(_build_section(number, message) for number, message in enumerate(asked, start=1))


def _build_section(number: int, message: Message) -> PromptSection:
    parts = (f"({part.title})\n{part.text}" if part.title else part.text for part in message.parts)
    text = "\n".join(parts)
    return PromptSection(
        prompt=message.role,
        kind="message",
        name=str(number),
        title=f"Message {number}, {message.role}",
        text=text,
        length=len(text),
        tokens=ceil(len(text) / CHARS_PER_TOKEN),
    )


def pair_sections(
    old: Sequence[PromptSection], new: Sequence[PromptSection]
) -> tuple[SectionPair, ...]:
    """Pair sections of the same kind and name, the first with the first.

    Returns:
        Those of the second prompt in their order, then those that are gone.
    """
    left: dict[tuple[str, str, str], list[PromptSection]] = {}
    for section in old:
        left.setdefault(section.key, []).append(section)
    pairs = []
    for section in new:
        others = left.get(section.key)
        pairs.append(SectionPair(others.pop(0) if others else None, section))
    gone = {id(section) for sections in left.values() for section in sections}
    return (*pairs, *(SectionPair(section, None) for section in old if id(section) in gone))


def choose(pairs: Iterable[SectionPair], state: State) -> list[SectionPair]:
    """Choose the pairs of one state."""
    return [pair for pair in pairs if pair.state == state]


def sum_tokens(pairs: Iterable[SectionPair]) -> tuple[int, int]:
    """Sum the estimated tokens of both prompts."""
    sums = [pair.tokens for pair in pairs]
    return sum(old for old, _ in sums), sum(new for _, new in sums)
