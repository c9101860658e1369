"""Choosing the sections that a prompt has room for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import get_args

from forge_core.context.excerpt import build_excerpt
from forge_core.context.sections import Section, SectionKind, render_section, shorten

PRIORITY: tuple[SectionKind, ...] = get_args(SectionKind)
"""Kinds in the order in which they are given room."""

EXCERPT_TOKENS = 16_000
"""Tokens that the parts of one file may take; more of them lead to few more changed places."""

EXCERPT_SHARE = 2
"""They take at most this part of the room that is left."""

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

    A file that does not fit is reduced to parts of it, if it is a target, or else to its outline,
    and left out if that does not fit either.
    The order of what is kept stays.

    Raises:
        BudgetExceeded: A required section does not fit.
    """
    included: dict[int, Section] = {}
    omitted: dict[int, Section] = {}
    room = int(budget * chars_per_token)
    for index in sorted(range(len(sections)), key=lambda i: PRIORITY.index(sections[i].kind)):
        section = sections[index]
        fitting, length = _fit(section, room, int(EXCERPT_TOKENS * chars_per_token))
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


def _fit(section: Section, room: int, most: int) -> tuple[Section | None, int]:
    """Return the fullest form of a section that fits and its length, else that of the section.

    The length is in characters, with what parts it from the next.
    """
    length = len(render_section(section)) + 1
    if length <= room:
        return section, length
    excerpt = _take_parts(section, min(room // EXCERPT_SHARE, most))
    for shorter in (excerpt, shorten(section)):
        shorter_length = len(render_section(shorter)) + 1 if shorter else 0
        if shorter is not None and shorter_length <= room:
            return shorter, shorter_length
    return None, length


def _take_parts(section: Section, limit: int) -> Section | None:
    """Reduce a file to the parts that its task needs; None where it has none."""
    if not section.source:
        return None
    excerpt = build_excerpt(section.source, section.outline, section.words, limit)
    if excerpt is None:
        return None
    return replace(
        section, text=excerpt.text, form="excerpt", ranges=excerpt.ranges, source="", words=""
    )


def _weigh(section: Section, length: int, chars_per_token: float) -> Section:
    return replace(section, tokens=ceil(length / chars_per_token))
