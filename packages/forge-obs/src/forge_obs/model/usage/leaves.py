"""A usage report as a flat table of paths and values. Pure."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from forge_obs.model.usage.spellings import KEPT_NAMES, PREFIXES

MOST_LEAVES: Final = 300
"""A report has a dozen or two."""

_DEEPEST: Final = 6
_NAMED_BY: Final = ("modality", "ttl")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def list_leaves(report: Mapping[str, object]) -> dict[str, object]:
    """List the numbers, texts and flags of a report by their paths; the first of a path counts.

    Args:
        report: What JSON knows, as dictionaries and lists.
    """
    leaves: dict[str, object] = {}
    _add(leaves, report, "", 0)
    return leaves


def _add(leaves: dict[str, object], report: Mapping[str, object], prefix: str, depth: int) -> None:
    for path, value in zip(_list_paths(prefix, tuple(report)), report.values(), strict=True):
        if value is None or len(leaves) >= MOST_LEAVES:
            continue
        if type(value) is int:
            leaves.setdefault(path, value)
        elif isinstance(value, dict):
            if depth < _DEEPEST:
                _add(leaves, value, f"{path}.", depth + 1)
        elif isinstance(value, list | tuple):
            for item in value[:MOST_LEAVES]:
                if isinstance(item, dict):
                    _add_item(leaves, item, path, depth + 1)
        else:
            leaves.setdefault(path, value)


def _add_item(leaves: dict[str, object], item: Mapping[str, object], path: str, depth: int) -> None:
    """Add one item of a list; what has a modality or lifetime is one count."""
    name = next((item[key] for key in _NAMED_BY if isinstance(item.get(key), str)), None)
    if name is None:
        _add(leaves, item, f"{path}.", depth)
        return
    numbers = (value for key, value in item.items() if key not in _NAMED_BY)
    count = next((number for number in numbers if isinstance(number, int | float)), None)
    if count is not None:
        leaves.setdefault(f"{path}.{str(name).lower()}", count)


@lru_cache(maxsize=128)
def _list_paths(prefix: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """List the paths of names that stand together; one program's reports have few shapes."""
    return tuple(prefix + spell(name) if prefix else _spell_first(name) for name in names)


@lru_cache(maxsize=1024)
def spell(name: str) -> str:
    """Write a name in snake case."""
    return _HUMP.sub("_", name[:100]).lower()


@lru_cache(maxsize=1024)
def _spell_first(name: str) -> str:
    """Write a name at the top of a report, where prefixes say nothing and style may."""
    if name in KEPT_NAMES:
        return name
    spelt = spell(name)
    return next((spelt.removeprefix(p) for p in PREFIXES if spelt.startswith(p)), spelt)
