"""Choosing the sections that a prompt has room for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from forge_core.context.sections import Section, SectionKind, render_section, shorten

PRIORITY: tuple[SectionKind, ...] = (
    "instructions",
    "task",
    "failure",
    "target_file",
    "repo_map",
    "finding",
    "plan",
    "refused_file",
    "refused_edits",
    "written_file",
    "mentioned_file",
    "dependency",
    "interface",
    "context_file",
)
"""Kinds in the order in which they are given room.

The map comes before what differs between the calls of a run, so that it is the same in all.
"""

REQUIRED: frozenset[SectionKind] = frozenset({"instructions", "task"})
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

    A file that does not fit is reduced to its outline, and left out if that does not fit either.
    The order of what is kept stays.

    Raises:
        BudgetExceeded: A required section does not fit.
    """
    included: dict[int, Section] = {}
    omitted: dict[int, Section] = {}
    room = int(budget * chars_per_token)
    for index in sorted(range(len(sections)), key=lambda i: PRIORITY.index(sections[i].kind)):
        section = sections[index]
        fitting, length = _fit(section, room)
        if fitting is not None:
            included[index] = _weigh(fitting, length, chars_per_token)
            room -= length
        elif section.kind in REQUIRED:
            needed = budget + ceil((length - room) / chars_per_token)
            raise BudgetExceeded(
                f"instructions and task alone need about {needed} tokens but the budget leaves "
                f"{budget}: shorten the task or raise token_budget"
            )
        else:
            omitted[index] = _weigh(section, length, chars_per_token)
    return Packing(
        included=tuple(included[i] for i in sorted(included)),
        omitted=tuple(omitted[i] for i in sorted(omitted)),
    )


def _fit(section: Section, room: int) -> tuple[Section | None, int]:
    """Return the fullest form of a section that fits and its length, else that of the section.

    The length is in characters, with what parts it from the next.
    """
    length = len(render_section(section)) + 1
    if length <= room:
        return section, length
    shorter = shorten(section)
    shorter_length = len(render_section(shorter)) + 1 if shorter else 0
    return (shorter, shorter_length) if shorter and shorter_length <= room else (None, length)


def _weigh(section: Section, length: int, chars_per_token: float) -> Section:
    return replace(section, tokens=ceil(length / chars_per_token))
