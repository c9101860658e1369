"""The counts of a usage report, found and summed up at length. Pure.

Two things differ from provider to provider and are nowhere said: whether cached tokens are part of
the input, and whether reasoning is part of the output. The spelling tells, and where a total is
reported, the sum must agree with it.

See D81.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from forge_obs.model.columns import MAX_COUNT
from forge_obs.model.keywords import name_keywords
from forge_obs.model.sanitize import clean_count
from forge_obs.model.usage import spellings as words

BY_PATH: Final = {
    path: (count, rank) for count, paths in words.COUNTS.items() for rank, path in enumerate(paths)
}
"""What a path counts, and how good a spelling of it the path is: 0 is the best."""

NO_INPUT: Final = "input_tokens: not reported"
"""Note of a report that does not say how long the request was."""

_NAMES_SHOWN: Final = 8


def count(leaves: Mapping[str, object], notes: list[str]) -> dict[str, int]:
    """Find each count under its best spelling; one that is zero there may stand elsewhere."""
    counts: dict[str, int] = {}
    ranks: dict[str, int] = {}
    strangers: list[str] = []
    for path, value in leaves.items():
        known = BY_PATH.get(path)
        if known is None:
            if value and "token" in path and is_strange(path, value):
                strangers.append(path)
            continue
        name, rank = known
        if type(value) is int and 0 <= value <= MAX_COUNT:
            number: int | None = value
        else:
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
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    number, note = (None, "not a number") if isinstance(value, bool) else clean_count(value)
    if note is not None:
        notes.append(f"{name}: {note}")
    return number


def _order(rank: int, other_rank: int, number: int, other: int) -> str:
    first, second = (number, other) if rank < other_rank else (other, number)
    return f"{first}, and elsewhere {second},"


def is_strange(path: str, value: object) -> bool:
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


def sum_up(
    counts: Mapping[str, int], leaves: Mapping[str, object], notes: list[str]
) -> tuple[int | None, int | None]:
    """Give input and output with all that belongs to them."""
    total = counts.get(words.TOTAL)
    if words.INPUT not in counts:
        _note_missing(counts, notes)
        taken = _sum(counts, _Reading(False, words.OUTPUT not in counts))[1]
        return None, taken if words.OUTPUT in counts else None
    likely, *others = _list_readings(counts, leaves)
    given, taken = _sum(counts, likely)
    if total is None or given + taken == total:
        return given, taken
    for reading in others:
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


def _list_readings(counts: Mapping[str, int], leaves: Mapping[str, object]) -> Sequence[_Reading]:
    """List what a report may mean, the likeliest first: a part never exceeds its whole."""
    cached = counts.get(words.CACHE_READ, 0) + counts.get(words.CACHE_WRITE, 0)
    thought = counts.get(words.REASONING, 0)
    if not cached and not thought:
        return _NO_PARTS
    cache = _list_options(is_cache_apart(leaves), cached, counts.get(words.INPUT, 0))
    reasoning = _list_options(is_reasoning_apart(leaves), thought, counts.get(words.OUTPUT, 0))
    return [_Reading(apart, beside) for beside in reasoning for apart in cache]


_NO_PARTS: Final = (_Reading(cache_apart=False, reasoning_apart=False),)


def _list_options(apart: bool, part: int, whole: int) -> list[bool]:
    if part > whole:
        return [True]
    return [apart, not apart] if part else [apart]


def is_cache_apart(leaves: Mapping[str, object]) -> bool:
    """Tell whether a report that has these paths counts cached tokens beside the input."""
    if "prompt_tokens" in leaves or "input_tokens" not in leaves:
        return False
    return not words.CACHE_APART.isdisjoint(leaves)


def is_reasoning_apart(leaves: Mapping[str, object]) -> bool:
    """Tell whether a report that has these paths counts reasoning beside the output."""
    if not words.REASONING_APART.isdisjoint(leaves):
        return True
    return "completion_tokens" in leaves and not words.SPOKEN_APART.isdisjoint(leaves)


def _describe(likely: _Reading, other: _Reading) -> str:
    parts = []
    if likely.cache_apart != other.cache_apart:
        parts.append(f"cached tokens {_where(other.cache_apart)} the input")
    if likely.reasoning_apart != other.reasoning_apart:
        parts.append(f"reasoning {_where(other.reasoning_apart)} the output")
    return f"usage: {' and '.join(parts)}, by the total"


def _where(apart: bool) -> str:
    return "beside" if apart else "within"
