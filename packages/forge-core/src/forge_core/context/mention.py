"""Files that a text names."""

import re
from collections import Counter
from collections.abc import Iterable

WORD = re.compile(r"[\w./-]+")

MAX_MENTIONED = 20
"""Files that are taken from one text."""


def find_mentioned(text: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Find the files that a text names, in the order of their paths.

    A file is named by its path, or by a name with an ending that no other file has.
    """
    known = sorted(paths)
    words = {word.strip(".-/") for word in WORD.findall(text)}
    names = Counter(_name(path) for path in known)
    found = (
        path
        for path in known
        if path in words
        or ("." in _name(path) and names[_name(path)] == 1 and _name(path) in words)
    )
    return tuple(found)[:MAX_MENTIONED]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
