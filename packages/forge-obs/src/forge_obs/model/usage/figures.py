"""What a usage report says, whoever made it. Pure.

Two things differ from provider to provider and are nowhere said: whether cached tokens are part of
the input, and whether reasoning is part of the output. The spelling tells, and where a total is
reported, the sum must agree with it.

See D81.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from forge_obs.model.columns import MAX_COUNT
from forge_obs.model.keywords import name_keywords
from forge_obs.model.sanitize import clean_count, clean_real, clean_text
from forge_obs.model.usage import spellings as words
from forge_obs.model.usage.leaves import list_leaves

_BY_PATH: Final = {
    path: (count, rank) for count, paths in words.COUNTS.items() for rank, path in enumerate(paths)
}

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

NO_INPUT: Final = "input_tokens: not reported"
"""Note of a report that does not say how long the request was."""

_NAMES_SHOWN: Final = 8


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
    notes: list[str] = []
    leaves = list_leaves(report)
    counts = _count(leaves, notes)
    given, taken = _sum_up(counts, leaves, notes)
    others = {name: counts[name] for name in _AS_COUNTED if name in counts}
    return Usage(
        given,
        taken,
        service_tier=_read_tier(leaves),
        stated_cost_usd=_read_cost(leaves),
        notes=tuple(notes),
        **others,
    )


def _count(leaves: Mapping[str, object], notes: list[str]) -> dict[str, int]:
    """Find each count under its best spelling; one that is zero there may stand elsewhere."""
    counts: dict[str, int] = {}
    ranks: dict[str, int] = {}
    strangers: list[str] = []
    for path, value in leaves.items():
        known = _BY_PATH.get(path)
        if known is None:
            if "token" in path and _is_strange(path, value):
                strangers.append(path)
            continue
        name, rank = known
        number = _to_count(name, value, notes)
        if number is None:
            continue
        before = counts.get(name)
        if before and number and number != before:
            notes.append(f"{name}: {_order(rank, ranks[name], number, before)} reported")
        if not before or (number and rank < ranks[name]):
            counts[name], ranks[name] = number, rank
    if strangers:
        notes.append(f"usage: not understood: {_name(strangers)}")
    _add_parts(counts)
    return counts


def _to_count(name: str, value: object, notes: list[str]) -> int | None:
    if type(value) is int and 0 <= value <= MAX_COUNT:
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    number, note = (None, "not a number") if isinstance(value, bool) else clean_count(value)
    if note is not None:
        notes.append(f"{name}: {note}")
    return number


def _order(rank: int, other_rank: int, number: int, other: int) -> str:
    first, second = (number, other) if rank < other_rank else (other, number)
    return f"{first}, and elsewhere {second},"


def _is_strange(path: str, value: object) -> bool:
    """Tell whether a leaf counts tokens that no spelling of ours stands for."""
    last = path.rpartition(".")[2]
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and value != 0
        and last not in words.WITHIN
        and not path.startswith(("iterations.", "cost"))
        and not _is_modality(path)
    )


def _is_modality(path: str) -> bool:
    """Tell whether a leaf is a share of a count by its kind of content."""
    parent, _, last = path.rpartition(".")
    return parent.endswith("_details") and last in {"text", "audio", "image", "video"} | {
        "document",
        "image_tokens",
        "audio_tokens",
    }


def _name(paths: Iterable[str]) -> str:
    names = [name_keywords([path.replace(".", "_")]) for path in paths]
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more


def _add_parts(counts: dict[str, int]) -> None:
    """Add what is reported in parts alone: cache writes by their lifetime, sound for a tool."""
    split = counts.get(words.CACHE_WRITE_5M, 0) + counts.get(words.CACHE_WRITE_1H, 0)
    if split > counts.get(words.CACHE_WRITE, 0):
        counts[words.CACHE_WRITE] = split
    if words.TOOL_PROMPT_AUDIO in counts:
        counts[words.INPUT_AUDIO] = (
            counts.get(words.INPUT_AUDIO, 0) + counts[words.TOOL_PROMPT_AUDIO]
        )


@dataclass(frozen=True, slots=True)
class _Reading:
    """A way to understand a report.

    Attributes:
        cache_apart: Cached tokens stand beside the input.
        reasoning_apart: Reasoning stands beside the output.
    """

    cache_apart: bool
    reasoning_apart: bool


def _sum_up(
    counts: Mapping[str, int], leaves: Mapping[str, object], notes: list[str]
) -> tuple[int | None, int | None]:
    """Give input and output with all that belongs to them."""
    total = counts.get(words.TOTAL)
    if words.INPUT not in counts:
        _note_missing(counts, notes)
        taken = _sum(counts, _Reading(False, words.OUTPUT not in counts))[1]
        return None, taken if words.OUTPUT in counts else None
    readings = _list_readings(counts, leaves)
    likely = next(readings)
    given, taken = _sum(counts, likely)
    if total is None or given + taken == total:
        return given, taken
    for reading in readings:
        if sum(_sum(counts, reading)) == total:
            notes.append(_describe(likely, reading))
            return _sum(counts, reading)
    if words.OUTPUT not in counts and total > given:
        notes.append("output_tokens: not reported, the total less the input")
        return given, total - given
    notes.append(f"total_tokens: {total} reported, {given + taken} counted")
    return given, taken


def _note_missing(counts: Mapping[str, int], notes: list[str]) -> None:
    if words.TOTAL in counts and words.OUTPUT not in counts:
        notes.append(f"usage: only a total of {counts[words.TOTAL]} tokens is reported")
    else:
        notes.append(NO_INPUT)


def _sum(counts: Mapping[str, int], reading: _Reading) -> tuple[int, int]:
    given = counts.get(words.INPUT, 0) + counts.get(words.TOOL_PROMPT, 0)
    taken = counts.get(words.OUTPUT, 0) + counts.get(words.CITATIONS, 0)
    if reading.cache_apart:
        given += counts.get(words.CACHE_READ, 0) + counts.get(words.CACHE_WRITE, 0)
    if reading.reasoning_apart:
        taken += counts.get(words.REASONING, 0)
    return given, taken


def _list_readings(counts: Mapping[str, int], leaves: Mapping[str, object]) -> Iterator[_Reading]:
    """List what a report may mean, the likeliest first: a part never exceeds its whole."""
    cached = counts.get(words.CACHE_READ, 0) + counts.get(words.CACHE_WRITE, 0)
    cache = _list_options(_is_cache_apart(leaves), cached, counts.get(words.INPUT, 0))
    reasoning = _list_options(
        _is_reasoning_apart(leaves), counts.get(words.REASONING, 0), counts.get(words.OUTPUT, 0)
    )
    for reasoning_apart in reasoning:
        for cache_apart in cache:
            yield _Reading(cache_apart, reasoning_apart)


def _list_options(apart: bool, part: int, whole: int) -> list[bool]:
    if part > whole:
        return [True]
    return [apart, not apart] if part else [apart]


def _is_cache_apart(leaves: Mapping[str, object]) -> bool:
    if "prompt_tokens" in leaves or "input_tokens" not in leaves:
        return False
    return not words.CACHE_APART.isdisjoint(leaves)


def _is_reasoning_apart(leaves: Mapping[str, object]) -> bool:
    if not words.REASONING_APART.isdisjoint(leaves):
        return True
    return "completion_tokens" in leaves and not words.SPOKEN_APART.isdisjoint(leaves)


def _describe(likely: _Reading, chosen: _Reading) -> str:
    parts = []
    if likely.cache_apart != chosen.cache_apart:
        parts.append(f"cached tokens {_where(chosen.cache_apart)} the input")
    if likely.reasoning_apart != chosen.reasoning_apart:
        parts.append(f"reasoning {_where(chosen.reasoning_apart)} the output")
    return f"usage: {' and '.join(parts)}, by the total"


def _where(apart: bool) -> str:
    return "beside" if apart else "within"


def _read_tier(leaves: Mapping[str, object]) -> str | None:
    if leaves.get("speed") == "fast":
        return "fast"
    tier = next((leaves[path] for path in words.TIERS if isinstance(leaves.get(path), str)), None)
    return clean_text(tier)[0][:40].lower() if tier else None


def _read_cost(leaves: Mapping[str, object]) -> float | None:
    """Give the cost in US dollars; to a router's fee for a key of one's own, the provider's."""
    for path in filter(words.DOLLARS.__contains__, leaves):
        stated = leaves[path]
        if not isinstance(stated, int | float) or isinstance(stated, bool):
            continue
        if leaves.get(words.OWN_KEY) is True:
            upstream = leaves.get(words.UPSTREAM_COST)
            stated += upstream if isinstance(upstream, int | float) else 0
        cost, note = clean_real(stated)
        if note is None:
            return cost * words.DOLLARS[path]
    return None
