"""Finding the files that a unit of work needs, from those that it is to change."""

from collections.abc import Sequence
from dataclasses import dataclass

from forge_core.context.import_graph import ImportGraph

INTERFACE_TOKENS = 8000
"""Tokens of interfaces that are shown where no import tells what is needed."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that was found, and how."""

    path: str
    distance: int
    """Imports between it and a target; 1 for a file that a target imports itself."""
    importer: str
    """The file that imports it, the nearest to a target."""


def find_imported(
    graph: ImportGraph, targets: Sequence[str], max_depth: int, ranked: Sequence[str]
) -> list[Found]:
    """Find what the targets import, over at most `max_depth` imports.

    Names that a package re-exports count as imported from where they are defined. The nearest
    come first, among them the best-ranked.
    """
    position = {path: number for number, path in enumerate(ranked)}
    seen = set(targets)
    found: list[Found] = []
    level = [path for path in targets if path in graph.edges]
    for distance in range(1, max_depth + 1):
        reached: dict[str, Found] = {}
        for importer in level:
            next_files = graph.find_origins(importer) if distance == 1 else graph.edges[importer]
            for path in next_files:
                if path not in seen:
                    reached.setdefault(path, Found(path, distance, importer))
        seen.update(reached)
        level = sorted(reached, key=lambda path: position[path])
        found += [reached[path] for path in level]
    return found
