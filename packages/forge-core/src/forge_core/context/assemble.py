"""From sections to prompts within a token budget, with statistics."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from forge_core.context.budget import BudgetExceeded, Packing, pack
from forge_core.context.repo_map import NO_MAP, RepoMap
from forge_core.context.sections import (
    FILE_KINDS,
    Section,
    SectionForm,
    SectionKind,
    estimate_tokens,
    render_section,
    render_sections,
)
from forge_core.models.call.context import ContextEntry, ContextStats, PromptName
from forge_core.models.task import ContextConfig

SHARED: frozenset[SectionKind] = frozenset({"instructions", "repo_map"})
"""Kinds that make up the system prompt, which all calls of a role in a run have in common."""

MAP_SHARE = 4
"""The map takes at most this part of a prompt, however many tokens it may have."""

REDUCED: frozenset[SectionForm] = frozenset({"excerpt", "signatures"})
"""Forms of a file that is not shown as a whole."""

MAX_LISTED = 20
"""Unparsed files that are listed by name; all are counted."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of the repository could have gone into a prompt."""

    files_discovered: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Reason to number of files."""
    unparsed: tuple[str, ...] = ()
    repo_map: RepoMap = NO_MAP
    ranks: Mapping[str, int] = field(default_factory=dict)
    """Path to place among the Python files, 1 for the most important."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The two texts of a request and what went into them."""

    system_prompt: str
    user_prompt: str
    stats: ContextStats
    manifest: tuple[ContextEntry, ...]
    spare_chars: int
    """Characters that the budget has left."""


def get_room(config: ContextConfig) -> int:
    """Return the tokens that the prompts of a request may take."""
    return config.token_budget - config.output_reserve


def get_map_budget(config: ContextConfig) -> int:
    """Return the tokens that the map may take; the same for every call of a run."""
    if not (config.auto_discover and config.include_repo_map):
        return 0
    return min(config.repo_map_tokens, get_room(config) // MAP_SHARE)


def build_prompt(sections: Sequence[Section], config: ContextConfig, coverage: Coverage) -> Prompt:
    """Render the prompts of one request, leaving out what finds no room.

    Raises:
        BudgetExceeded: Instructions and task alone exceed the budget, or with them a target.
    """
    room = get_room(config)
    packing = pack(sections, room, config.chars_per_token)
    lost = [section.name for section in packing.omitted if section.source]
    if lost:
        raise BudgetExceeded(
            f"target file {lost[0]!r} finds no room, not even parts of it: raise token_budget"
        )
    system_prompt = render_sections(s for s in packing.included if s.kind in SHARED)
    user_prompt = render_sections(s for s in packing.included if s.kind not in SHARED)
    total = estimate_tokens(system_prompt + user_prompt, config.chars_per_token)
    full = {s.name for s in packing.included if s.form == "full"}
    reduced = {s.name for s in packing.included if s.form in REDUCED}
    has_map = any(s.kind == "repo_map" for s in packing.included)
    mapped = {entry.path for entry in coverage.repo_map.outlined} if has_map else set()
    stats = ContextStats(
        files_discovered=coverage.files_discovered,
        files_included_full=len(full),
        files_included_signatures=len((reduced | mapped) - full),
        files_truncated=_count_truncated(packing),
        files_left_out=dict(coverage.left_out),
        files_unparsed=len(coverage.unparsed),
        unparsed=coverage.unparsed[:MAX_LISTED],
        total_estimated_tokens=total,
        budget_utilization=total / room,
        repo_map_tokens=coverage.repo_map.tokens if has_map else 0,
    )
    manifest = _build_manifest(packing, coverage)
    spare = int((room - total) * config.chars_per_token)
    return Prompt(system_prompt, user_prompt, stats, manifest, max(spare, 0))


def _count_truncated(packing: Packing) -> int:
    """Count the files that are omitted, or shortened where they were meant to be shown whole."""
    shortened = (s.form in REDUCED and s.kind != "interface" for s in packing.included)
    return sum(shortened) + sum(section.form != "text" for section in packing.omitted)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a section stands: in which prompt, from which character on, and how many it has."""

    prompt: PromptName
    start: int
    length: int


def _place(sections: Sequence[Section]) -> list[_Place]:
    """Find the places of sections as `render_sections` lays them out."""
    ends: dict[PromptName, int] = {"system": 0, "user": 0}
    places = []
    for section in sections:
        prompt: PromptName = "system" if section.kind in SHARED else "user"
        place = _Place(prompt, ends[prompt], len(render_section(section)))
        ends[prompt] += place.length + 1
        places.append(place)
    return places


def _build_manifest(packing: Packing, coverage: Coverage) -> tuple[ContextEntry, ...]:
    entries = []
    for section, place in zip(packing.included, _place(packing.included), strict=True):
        entries.append(_build_entry(section, section.form, place))
        if section.kind == "repo_map":
            entries += _list_mapped(coverage)
    entries += [_build_entry(section, "omitted") for section in packing.omitted]
    return tuple(entries)


def _list_mapped(coverage: Coverage) -> list[ContextEntry]:
    return [
        ContextEntry(
            kind="repo_map",
            name=entry.path,
            path=entry.path,
            form="signatures",
            tokens=entry.tokens,
            reason="part of the map",
            rank=coverage.ranks.get(entry.path),
        )
        for entry in coverage.repo_map.outlined
    ]


def _build_entry(section: Section, form: str, place: _Place | None = None) -> ContextEntry:
    return ContextEntry.model_validate(
        {
            "kind": section.kind,
            "name": section.name,
            "path": section.name if section.kind in FILE_KINDS else None,
            "form": form,
            "ranges": () if form == "omitted" else section.ranges,
            "tokens": section.tokens,
            "reason": section.reason,
            "rank": section.rank,
            **({} if place is None else asdict(place)),
        }
    )
