"""What a usage report says, whoever made it. Pure.

See D81.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from forge_obs.model.sanitize import clean_real
from forge_obs.model.usage import spellings as words
from forge_obs.model.usage.counts import count, sum_up
from forge_obs.model.usage.forms import Figures, clean_tier, read_by_form
from forge_obs.model.usage.leaves import list_leaves

_AS_COUNTED: Final = (
    words.CACHE_READ,
    words.CACHE_WRITE,
    words.CACHE_WRITE_1H,
    words.REASONING,
    words.INPUT_AUDIO,
    words.OUTPUT_AUDIO,
    words.CACHE_READ_AUDIO,
    words.INPUT_IMAGE,
    words.OUTPUT_IMAGE,
)
"""Counts that are taken as they are reported."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The figures of one request, in the words of the store.

    Attributes:
        input_tokens: Cached ones included; None where the report does not say.
        output_tokens: Reasoning included; None where the report does not say.
        cache_write_1h_tokens: Those of `cache_write_tokens` that are kept for an hour.
        cache_read_audio_tokens: Those of `cache_read_tokens` that are sound.
        service_tier: As reported, in lower case.
        stated_cost_usd: What the report itself says that the request cost.
        notes: What could not be read, or not without a doubt.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0
    cache_read_audio_tokens: int = 0
    input_image_tokens: int = 0
    output_image_tokens: int = 0
    service_tier: str | None = None
    stated_cost_usd: float | None = None
    notes: tuple[str, ...] = ()


def read_usage(report: Mapping[str, object]) -> Usage:
    """Read a usage report in anybody's words.

    Args:
        report: What JSON knows, as dictionaries and lists; nothing in it raises.
    """
    figures = read_figures(report)
    if isinstance(figures, Usage):
        return figures
    given, taken, read, written, thought, tier, *_ = figures
    return Usage(given, taken, read, written, 0, thought, service_tier=tier)


def read_figures(report: Mapping[str, object]) -> Usage | Figures:
    """Read what `read_usage` reads, by the form of the report where that is enough."""
    figures = read_by_form(report)
    return _read_at_length(report) if figures is None else figures


def _read_at_length(report: Mapping[str, object]) -> Usage:
    notes: list[str] = []
    leaves = list_leaves(report)
    counts = count(leaves, notes)
    given, taken = sum_up(counts, leaves, notes)
    others = {name: counts[name] for name in _AS_COUNTED if name in counts}
    return Usage(
        given,
        taken,
        service_tier=_read_tier(leaves),
        stated_cost_usd=_read_cost(leaves),
        notes=tuple(notes),
        **others,
    )


def _read_tier(leaves: Mapping[str, object]) -> str | None:
    if leaves.get("speed") == "fast":
        return "fast"
    tiers = (leaves[path] for path in words.TIERS if isinstance(leaves.get(path), str))
    return clean_tier(next(tiers, None))


def _read_cost(leaves: Mapping[str, object]) -> float | None:
    """Give the cost in US dollars; to a router's fee for a key of one's own, the provider's.

    Such a fee alone is not the cost.
    """
    upstream = _as_cost(leaves.get(words.UPSTREAM_COST)) if leaves.get(words.OWN_KEY) is True else 0
    for path in filter(words.DOLLARS.__contains__, leaves):
        stated = _as_cost(leaves[path])
        if stated is not None and upstream is not None:
            return (stated + upstream) * words.DOLLARS[path]
    return None


def _as_cost(value: object) -> float | None:
    cost, note = clean_real(value)
    return cost if note is None and not isinstance(value, bool) else None
