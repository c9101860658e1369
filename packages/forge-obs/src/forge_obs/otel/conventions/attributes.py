"""The attributes of a span, sorted by what they are read for. Pure.

Where a name leads is found once: one program's spans have few names, and each has many spans.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from itertools import islice
from math import isfinite
from typing import Final, NamedTuple, TypeAlias

from forge_obs.otel.conventions import names
from forge_obs.otel.spans import Attributes

MOST_ATTRIBUTES: Final = 20_000
"""How many attributes of a span are looked at."""

LONGEST_TEXT: Final = 500
"""How long a text may be that is no prompt and no answer, in characters."""

_LONGEST_NAME: Final = 300
_DEEPEST: Final = 12

Tree: TypeAlias = dict[str | int, object]
"""Values of numbered attributes by the parts of their names, lists as their items by number."""


class _Use(IntEnum):
    TEXT = 1
    USAGE = 2
    PARAM = 3
    NUMBERED = 4
    CONTENT = 5
    ALL_PARAMS = 6
    FIRST_PIECE = 7
    FINISH_REASONS = 8
    STATUS = 9
    COST = 10
    USAGE_TEXT = 11
    NONE = 12
    OTHER = 13


class _Place(NamedTuple):
    """Where an attribute of some name goes.

    Attributes:
        rank: How good a spelling the name is, 0 being the best.
        path: The parts of a numbered name.
    """

    use: _Use
    name: str = ""
    rank: int = 0
    path: tuple[str | int, ...] = ()
    unit: float = 1.0


@dataclass(slots=True)
class Sorted:
    """What a span tells, by what it is for.

    Attributes:
        texts: Columns that are text, see `names.TEXTS`.
        usage: Counts under the names that they were reported by.
        content: What was asked and answered, where one attribute holds it.
        numbered: The same, where an attribute holds each piece.
        first_token_ms: When the answer began.
        http_status: Status of the answer to the request.
        usage_text: A whole report, as text.
        cost_usd: What the request is said to have cost.
        others: All that is read for nothing.
    """

    texts: dict[str, str] = field(default_factory=dict)
    usage: dict[str, object] = field(default_factory=dict)
    params: dict[str, object] = field(default_factory=dict)
    content: dict[str, object] = field(default_factory=dict)
    numbered: Tree = field(default_factory=dict)
    first_token_ms: float | None = None
    finish_reasons: object = None
    http_status: int | None = None
    all_params: object = None
    usage_text: object = None
    cost_usd: float | None = None
    others: dict[str, object] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)


def sort_attributes(attributes: Attributes, into: Sorted | None = None) -> Sorted:
    """Sort attributes; what is there already `into` which more are sorted stays."""
    found = Sorted() if into is None else into
    for name, value in islice(attributes.items(), MOST_ATTRIBUTES):
        if value is None or type(name) is not str or len(name) > _LONGEST_NAME:
            continue
        place = _find_place(name)
        use = place.use
        if use is _Use.TEXT:
            _put_text(found, place, value)
        elif use is _Use.NUMBERED:
            _put_numbered(found.numbered, place.path, value)
        elif use is _Use.USAGE:
            found.usage.setdefault(name, value)
        elif use is _Use.CONTENT:
            found.content.setdefault(name, value)
        elif use is _Use.OTHER:
            found.others.setdefault(name, value)
        elif use is not _Use.NONE:
            _put_figure(found, place, value)
    return found


def _put_text(found: Sorted, place: _Place, value: object) -> None:
    if not isinstance(value, str) or not value:
        return
    name, rank = place.name, place.rank
    if found.ranks.get(name, rank + 1) > rank:
        found.texts[name] = value if len(value) <= LONGEST_TEXT else value[:LONGEST_TEXT] + "…"
        found.ranks[name] = rank


def _put_figure(found: Sorted, place: _Place, value: object) -> None:
    use = place.use
    if use is _Use.PARAM:
        found.params.setdefault(place.name, value)
    elif use is _Use.FINISH_REASONS:
        found.finish_reasons = value
    elif use is _Use.ALL_PARAMS:
        found.all_params = value
    elif use is _Use.USAGE_TEXT:
        found.usage_text = value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if use is _Use.STATUS:
            found.http_status = int(value) if 100 <= value < 1000 else None
        elif not isfinite(value) or value < 0:
            return
        elif use is _Use.COST:
            found.cost_usd = float(value) or None
        elif found.first_token_ms is None:
            found.first_token_ms = value * place.unit


def _put_numbered(tree: Tree, path: tuple[str | int, ...], value: object) -> None:
    """Put a value where its name says; a number is a key, so that a large one costs no more."""
    node = tree
    for part in path[:-1]:
        inner = node.get(part)
        if inner is None:
            inner = node[part] = {}
        elif type(inner) is not dict:
            return
        node = inner
    node.setdefault(path[-1], value)


@lru_cache(maxsize=4096)
def _find_place(name: str) -> _Place:
    known = _PLACES.get(name)
    if known is not None:
        return known
    if name.startswith(names.USAGE_PREFIXES):
        return _Place(_Use.USAGE)
    if name.startswith(names.NUMBERED):
        prefix = next(prefix for prefix in names.NUMBERED if name.startswith(prefix))
        rest = name[len(prefix) :].split(".", _DEEPEST)
        return _Place(_Use.NUMBERED, path=(prefix[:-1], *map(_read_part, rest)))
    for prefix in names.PARAM_PREFIXES:
        if name.startswith(prefix):
            return _Place(_Use.PARAM, name[len(prefix) :])
    return _Place(_Use.OTHER)


def _read_part(part: str) -> str | int:
    return int(part) if part.isascii() and part.isdigit() and len(part) < 19 else part


def _list_places() -> Mapping[str, _Place]:
    places = {
        name: _Place(_Use.TEXT, column, rank)
        for column, spellings in names.TEXTS.items()
        for rank, name in enumerate(spellings)
    }
    places |= dict.fromkeys(names.CONTENT, _Place(_Use.CONTENT))
    places |= dict.fromkeys(names.SILENT, _Place(_Use.NONE))
    places |= dict.fromkeys(names.COSTS, _Place(_Use.COST))
    places[names.USAGE_TEXT] = _Place(_Use.USAGE_TEXT)
    places |= dict.fromkeys(names.ALL_PARAMS, _Place(_Use.ALL_PARAMS))
    places |= {name: _Place(_Use.PARAM, param) for name, param in names.PARAMS.items()}
    places |= {
        name: _Place(_Use.FIRST_PIECE, unit=unit) for name, unit in names.FIRST_PIECE.items()
    }
    places[names.FINISH_REASONS] = _Place(_Use.FINISH_REASONS)
    places[names.STATUS] = _Place(_Use.STATUS)
    return places


_PLACES: Final = _list_places()


def list_items(tree: object) -> list[object]:
    """List what stands under numbers, in their order; gaps are left out."""
    if not isinstance(tree, dict):
        return []
    numbers = sorted(key for key in tree if type(key) is int)
    return [tree[number] for number in numbers]
