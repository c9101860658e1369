"""Choosing the sections that a prompt has room for."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from forge_core.context.sections import Section, SectionKind, render_section

PRIORITY: tuple[SectionKind, ...] = (
    "task",
    "failure",
    "finding",
    "plan",
    "target_file",
    "refused_file",
    "repository",
    "context_file",
)
"""Kinds in the order in which they are given room."""

REQUIRED: frozenset[SectionKind] = frozenset({"task"})
"""Kinds without which a prompt makes no sense."""


class BudgetExceeded(ValueError):
    """The task alone needs more tokens than its budget allows."""


@dataclass(frozen=True, slots=True)
class Packing:
    """Sections in their order in the prompt, and those that found no room."""

    included: tuple[Section, ...]
    omitted: tuple[Section, ...]


def pack(sections: Sequence[Section], budget: int, chars_per_token: float) -> Packing:
    """Keep the sections that fit into `budget` tokens, the important first.

    The order of what is kept stays.

    Raises:
        BudgetExceeded: A required section does not fit.
    """
    chosen: set[int] = set()
    used = 0
    for index in sorted(range(len(sections)), key=lambda i: PRIORITY.index(sections[i].kind)):
        length = len(render_section(sections[index])) + 1
        tokens = ceil((used + length) / chars_per_token)
        if tokens <= budget:
            chosen.add(index)
            used += length
        elif sections[index].kind in REQUIRED:
            raise BudgetExceeded(
                f"the task's text alone needs about {tokens} tokens and the budget leaves "
                f"{budget}: shorten it or raise token_budget"
            )
    return Packing(
        included=tuple(s for i, s in enumerate(sections) if i in chosen),
        omitted=tuple(s for i, s in enumerate(sections) if i not in chosen),
    )
