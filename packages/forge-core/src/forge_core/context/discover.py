"""Finding the files that a unit of work needs: those it imports and those that a text names."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from forge_core.context.import_graph import ImportGraph

WORD = re.compile(r"[\w./-]+")

MAX_MENTIONED = 20
"""Files that are taken from one text."""


INTERFACE_TOKENS = 8000
"""Tokens of interfaces and short files, shown where no import shows what is needed."""

SHORT_FILE_TOKENS = 500
"""Up to which a file that might be changed is shown whole instead of by its interface."""


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file that a target imports, directly or not."""

    path: str
    distance: int
    """Imports between it and a target; 1 for a file that a target imports itself."""
    importer: str
    """The file that imports it, the nearest to a target."""


def find_imported(
    graph: ImportGraph, targets: Sequence[str], max_depth: int, ranked: Sequence[str]
) -> list[ImportedFile]:
    """Find what the targets import, over at most `max_depth` imports.

    Names that a package re-exports count as imported from where they are defined. The nearest
    come first, among them the best-ranked.
    """
    position = {path: number for number, path in enumerate(ranked)}
    seen = set(targets)
    files: list[ImportedFile] = []
    level = [path for path in targets if path in graph.edges]
    for distance in range(1, max_depth + 1):
        reached: dict[str, ImportedFile] = {}
        for importer in level:
            next_files = graph.find_origins(importer) if distance == 1 else graph.edges[importer]
            for path in next_files:
                if path not in seen:
                    reached.setdefault(path, ImportedFile(path, distance, importer))
        seen.update(reached)
        level = sorted(reached, key=lambda path: position[path])
        files += [reached[path] for path in level]
    return files


def find_mentioned(text: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Find the files that a text names, in the order of their paths.

    A file is named by its path, or by a name with an ending that no other file has.
    """
    ordered = sorted(paths)
    words = {word.strip(".-/") for word in WORD.findall(text)}
    names = Counter(_name(path) for path in ordered)
    matches = (
        path
        for path in ordered
        if path in words
        or ("." in _name(path) and names[_name(path)] == 1 and _name(path) in words)
    )
    return tuple(matches)[:MAX_MENTIONED]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
