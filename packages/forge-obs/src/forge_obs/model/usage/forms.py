"""Reports of a form that was seen before, read without spelling their names again. Pure.

What a program's calls report differs in its figures, hardly ever in its names. Where each figure
stands is found once for a form; what is unusual about a report leaves it to be read at length.

See D89.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from forge_obs.model.columns import MAX_COUNT
from forge_obs.model.sanitize import clean_text
from forge_obs.model.usage import spellings as words
from forge_obs.model.usage.counts import BY_PATH, is_cache_apart, is_reasoning_apart, is_strange
from forge_obs.model.usage.leaves import list_leaves
from forge_obs.model.usage.report import choose_members

MOST_NAMES: Final = 60
"""A report of more is read at length, and not remembered."""

_DEEPEST: Final = 4

_OPENS: Final = 0
_CLOSES: Final = 1
_TEXT: Final = 2

Names: TypeAlias = tuple[str | int, ...]
"""Names in their order, and marks: behind a name, what it stands for where that is no count."""


class Figures(NamedTuple):
    """What a report says that is read by its form; see `Usage`.

    Attributes:
        is_whole: Whether the report is nothing but one, so that it is kept as it is.
    """

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    service_tier: str | None
    is_whole: bool
    stated_cost_usd: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _TextAt:
    """Where among the texts of a report one stands."""

    position: int


@dataclass(frozen=True, slots=True)
class _Form:
    """Where the figures of a report stand among its counts.

    Attributes:
        pick: Gives input, output, cache read, cache written, reasoning and total; 0, which is the
            last of the counts, for what is not there.
        others: Counts that are read at length unless they are zero.
        pairs: Counts of one thing under two names, read at length unless they are equal.
        tier: Where among the texts the service tier stands.
    """

    pick: Callable[[Sequence[int]], tuple[int, ...]]
    others: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    has_total: bool
    cache_apart: bool
    reasoning_apart: bool
    tier: int | None
    is_whole: bool

    def read(self, counts: Sequence[int], texts: Sequence[str]) -> Figures | None:
        """Read a report of this form; None for one that is to be read at length."""
        for position in self.others:
            if counts[position]:
                return None
        for one, other in self.pairs:
            if counts[one] != counts[other]:
                return None
        given, taken, read, written, thought, total = self.pick(counts)
        if read or written:
            if self.cache_apart:
                given += read + written
            elif read + written > given:
                return None
        if thought:
            if self.reasoning_apart:
                taken += thought
            elif thought > taken:
                return None
        if self.has_total and given + taken != total:
            return None
        tier = None if self.tier is None else clean_tier(texts[self.tier])
        return Figures(given, taken, read, written, thought, tier, self.is_whole)


_PICKED: Final = (
    words.INPUT,
    words.OUTPUT,
    words.CACHE_READ,
    words.CACHE_WRITE,
    words.REASONING,
    words.TOTAL,
)


def read_by_form(report: object) -> Figures | None:
    """Read a report of plain counts and texts; None for one that is to be read at length."""
    if type(report) is not dict:
        return None
    names: list[str | int] = []
    counts: list[int] = []
    texts: list[str] = []
    if not _collect(report, names, counts, texts) or len(names) > MOST_NAMES:
        return None
    form = _find_form(tuple(names))
    if form is None or min(counts) < 0 or max(counts) > MAX_COUNT:
        return None
    counts.append(0)
    return form.read(counts, texts)


def clean_tier(tier: object) -> str | None:
    """Give the service tier as it is stored; None for none."""
    return clean_text(tier)[0][:40].lower() if tier else None


def _collect(
    report: Mapping[str, object],
    names: list[str | int],
    counts: list[int],
    texts: list[str],
    depth: int = 0,
) -> bool:
    """Part names and values; False for what is more than counts and texts."""
    for name, value in report.items():
        if type(name) is not str:
            return False
        if type(value) is int:
            names.append(name)
            counts.append(value)
        elif value is None:
            continue
        elif type(value) is str:
            names += (name, _TEXT)
            texts.append(value)
        elif type(value) is dict and depth < _DEEPEST:
            names += (name, _OPENS)
            if not _collect(value, names, counts, texts, depth + 1):
                return False
            names.append(_CLOSES)
        else:
            return False
    return True


@lru_cache(maxsize=128)
def _find_form(names: Names) -> _Form | None:
    """Find where figures stand; None where a report of this form is always read at length."""
    report = _number(names)
    leaves = list_leaves(report)
    if "speed" in leaves or not words.DOLLARS.keys().isdisjoint(leaves):
        return None
    places: dict[str, int] = {}
    others: list[int] = []
    pairs: list[tuple[int, int]] = []
    for path, place in leaves.items():
        name = BY_PATH[path][0] if path in BY_PATH else None
        if isinstance(place, int):
            if name in places:
                pairs.append((places[name], place))
            elif name in _PICKED:
                places[name] = place
            elif name or ("token" in path and is_strange(path, 1)):
                others.append(place)
        elif name:
            return None
    if not {words.INPUT, words.OUTPUT} <= places.keys():
        return None
    tiers = (leaves[path] for path in words.TIERS if path in leaves)
    return _Form(
        pick=itemgetter(*(places.get(name, -1) for name in _PICKED)),
        others=tuple(others),
        pairs=tuple(pairs),
        has_total=words.TOTAL in places,
        cache_apart=is_cache_apart(leaves),
        reasoning_apart=is_reasoning_apart(leaves),
        tier=next((tier.position for tier in tiers if isinstance(tier, _TextAt)), None),
        is_whole=choose_members(tuple(report)) == list(report),
    )


def _number(names: Names) -> dict[str, object]:
    """Rebuild a report, with the place of each value instead of it."""
    report: dict[str, object] = {}
    within = [report]
    counts = texts = 0
    for place, name in enumerate(names):
        if name == _CLOSES:
            within.pop()
        if not isinstance(name, str):
            continue
        mark = names[place + 1] if place + 1 < len(names) else None
        if mark == _OPENS:
            inner: dict[str, object] = {}
            within[-1][name] = inner
            within.append(inner)
        elif mark == _TEXT:
            within[-1][name] = _TextAt(texts)
            texts += 1
        else:
            within[-1][name] = counts
            counts += 1
    return report
