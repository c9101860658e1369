"""From sections to prompts within a token budget, with statistics."""

from collections.abc import Sequence
from dataclasses import dataclass

from forge_core.context.budget import Packing, pack
from forge_core.context.listing import FileEntry, Listing, build_listing
from forge_core.context.sections import (
    Section,
    estimate_tokens,
    render_section,
    render_sections,
)
from forge_core.models.context import ContextEntry, ContextStats
from forge_core.models.task import ContextConfig


@dataclass(frozen=True, slots=True)
class Prompt:
    """The two texts of a request and what went into them."""

    system_prompt: str
    user_prompt: str
    stats: ContextStats
    manifest: tuple[ContextEntry, ...]


def build_overview(files: Sequence[FileEntry], config: ContextConfig) -> Listing:
    """Build the overview of the repository that `config` asks for."""
    wanted = config.auto_discover and config.include_repo_map
    budget = config.repo_map_tokens if wanted else 0
    return build_listing(files if wanted else (), budget, config.chars_per_token)


def build_prompt(
    instructions: str,
    sections: Sequence[Section],
    config: ContextConfig,
    *,
    files_discovered: int,
) -> Prompt:
    """Render the prompts of one request, leaving out what finds no room.

    Raises:
        BudgetExceeded: Instructions and task alone exceed the budget.
    """
    room = config.token_budget - config.output_reserve
    system_tokens = estimate_tokens(instructions, config.chars_per_token)
    packing = pack(sections, room - system_tokens, config.chars_per_token)
    user_prompt = render_sections(packing.included)
    total = system_tokens + estimate_tokens(user_prompt, config.chars_per_token)
    stats = ContextStats(
        files_discovered=files_discovered,
        files_included_full=sum(section.form == "full" for section in packing.included),
        files_truncated=sum(section.form == "full" for section in packing.omitted),
        total_estimated_tokens=total,
        budget_utilization=total / room,
        repo_map_tokens=sum(
            estimate_tokens(section.text, config.chars_per_token)
            for section in packing.included
            if section.kind == "repository"
        ),
    )
    return Prompt(instructions, user_prompt, stats, _build_manifest(packing, config))


def _build_manifest(packing: Packing, config: ContextConfig) -> tuple[ContextEntry, ...]:
    shown = [(section, section.form) for section in packing.included]
    left_out = [(section, "omitted") for section in packing.omitted]
    return tuple(
        ContextEntry(
            kind=section.kind,
            name=section.name,
            form=form,
            tokens=estimate_tokens(render_section(section), config.chars_per_token),
            reason=section.reason,
        )
        for section, form in (*shown, *left_out)
    )
