"""The attributes of a span, sorted by what they are read for. Pure.

Where a name leads is found once: one program's spans have few names, and each has many spans.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from forge_obs.model.sanitize import clean_real
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


_TEXT: Final = 1
_USAGE: Final = 2
_PARAM: Final = 3
_NUMBERED: Final = 4
_CONTENT: Final = 5
_ALL_PARAMS: Final = 6
_FIRST_PIECE: Final = 7
_FINISH_REASONS: Final = 8
_STATUS: Final = 9
_COST: Final = 10
_USAGE_TEXT: Final = 11
_NOTHING: Final = 12
_OTHER: Final = 13


class _Place(NamedTuple):
    """Where an attribute of some name goes.

    Attributes:
        use: One of the numbers above.
        name: The column or parameter that it is read into.
        rank: How good a spelling the name is, 0 being the best.
        path: The parts of a numbered name.
        unit: What a figure is multiplied by, to be in milliseconds.
    """

    use: int
    name: str = ""
    rank: int = 0
    path: tuple[str | int, ...] = ()
    unit: float = 1.0


@dataclass(slots=True)
class SpanFacts:
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


def sort_attributes(attributes: Attributes, into: SpanFacts | None = None) -> SpanFacts:
    """Sort attributes; what is there already `into` which more are sorted stays."""
    facts = SpanFacts() if into is None else into
    tree = facts.numbered
    for name, value in islice(attributes.items(), MOST_ATTRIBUTES):
        if value is None or type(name) is not str or len(name) > _LONGEST_NAME:
            continue
        use, column, rank, path, unit = _find_place(name)
        if use == _TEXT:
            _put_text(facts, column, rank, value)
        elif use == _NUMBERED:
            _put_numbered(tree, path, value)
        elif use == _USAGE:
            facts.usage.setdefault(name, value)
        elif use == _CONTENT:
            facts.content.setdefault(name, value)
        elif use == _OTHER:
            facts.others.setdefault(name, value)
        elif use == _PARAM:
            facts.params.setdefault(column, value)
        elif use != _NOTHING:
            _put_figure(facts, use, unit, value)
    return facts


def _put_text(facts: SpanFacts, name: str, rank: int, value: object) -> None:
    if not isinstance(value, str) or not value:
        return
    if facts.ranks.get(name, rank + 1) > rank:
        facts.texts[name] = value if len(value) <= LONGEST_TEXT else value[:LONGEST_TEXT] + "…"
        facts.ranks[name] = rank


def _put_figure(facts: SpanFacts, use: int, unit: float, value: object) -> None:
    if use == _FINISH_REASONS:
        facts.finish_reasons = value
    elif use == _ALL_PARAMS:
        facts.all_params = value
    elif use == _USAGE_TEXT:
        facts.usage_text = value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number, note = clean_real(value)
        if use == _STATUS:
            facts.http_status = int(number) if 100 <= number < 1000 else None
        elif note is not None:
            return
        elif use == _COST:
            facts.cost_usd = number or None
        elif facts.first_token_ms is None:
            facts.first_token_ms = number * unit


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
    if name.startswith(names.SECRET_PREFIXES):
        return _Place(_NOTHING)
    if name.startswith(names.USAGE_PREFIXES):
        return _Place(_USAGE)
    if name.startswith(names.NUMBERED):
        prefix = next(prefix for prefix in names.NUMBERED if name.startswith(prefix))
        rest = name[len(prefix) :].split(".", _DEEPEST)
        return _Place(_NUMBERED, path=(prefix[:-1], *map(_read_part, rest)))
    for prefix in names.PARAM_PREFIXES:
        if name.startswith(prefix):
            return _Place(_PARAM, name[len(prefix) :])
    return _Place(_OTHER)


def _read_part(part: str) -> str | int:
    return int(part) if part.isascii() and part.isdigit() and len(part) < 19 else part


def _list_places() -> Mapping[str, _Place]:
    places = {
        name: _Place(_TEXT, column, rank)
        for column, spellings in names.TEXTS.items()
        for rank, name in enumerate(spellings)
    }
    places |= dict.fromkeys(names.CONTENT, _Place(_CONTENT))
    places |= dict.fromkeys(names.SILENT | names.SECRET, _Place(_NOTHING))
    places |= dict.fromkeys(names.COSTS, _Place(_COST))
    places[names.USAGE_TEXT] = _Place(_USAGE_TEXT)
    places |= dict.fromkeys(names.ALL_PARAMS, _Place(_ALL_PARAMS))
    places |= {name: _Place(_PARAM, param) for name, param in names.PARAMS.items()}
    places |= {name: _Place(_FIRST_PIECE, unit=unit) for name, unit in names.FIRST_PIECE.items()}
    places[names.FINISH_REASONS] = _Place(_FINISH_REASONS)
    places[names.STATUS] = _Place(_STATUS)
    return places


_PLACES: Final = _list_places()


def list_items(tree: object) -> list[object]:
    """List what stands under numbers, in their order; gaps are left out."""
    if not isinstance(tree, dict):
        return []
    numbers = sorted(key for key in tree if type(key) is int)
    return [tree[number] for number in numbers]
