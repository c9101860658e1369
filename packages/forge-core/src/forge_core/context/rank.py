"""Personalised PageRank: which files of a tree matter to a few of them.

The power iteration of Page, Brin, Motwani and Winograd, "The PageRank citation ranking" (1999),
with the restart distribution of its section 6; a file without imports restarts as well.
"""

from collections.abc import Mapping, Sequence

from forge_core.context.import_graph import ImportGraph

DAMPING = 0.85
"""Share of a file's rank that goes on to what it imports."""

TOLERANCE = 1e-6
"""Sum of the changes at which the iteration ends; ranks add up to 1."""

MAX_ITERATIONS = 100

TARGET_SHARE = 0.7
"""Share of the restarts that go to the files to be changed."""

IMPORTER_SHARE = 0.2
"""Share of the restarts that go to the files that import those: callers and tests."""


def build_seeds(graph: ImportGraph, targets: Sequence[str]) -> dict[str, float]:
    """Return the weights of the files from which ranking starts; they add up to 1 or are none.

    Every file gets a little, so that what the whole tree rests on comes next. A target that does
    not exist yet is represented by the files beside it.
    """
    files = sorted(graph.edges)
    if not files:
        return {}
    starts = _find_starts(files, targets)
    importers = graph.find_importers(starts)
    shares = ((starts, TARGET_SHARE), (importers, IMPORTER_SHARE))
    seeds = dict.fromkeys(files, 0.0)
    for paths, share in shares:
        for path in paths:
            seeds[path] += share / len(paths)
    rest = (1 - sum(share for paths, share in shares if paths)) / len(files)
    return {path: weight + rest for path, weight in seeds.items()}


def compute_pagerank(
    edges: Mapping[str, Sequence[str]], seeds: Mapping[str, float]
) -> dict[str, float]:
    """Compute each file's rank; they add up to 1.

    Args:
        edges: Every file to the files it links to.
        seeds: Where a restart goes, and how probably; adds up to 1.
    """
    numbers = {path: number for number, path in enumerate(edges)}
    links = [[numbers[target] for target in targets] for targets in edges.values()]
    restart = [seeds.get(path, 0.0) for path in edges]
    ranks = restart[:]
    for _ in range(MAX_ITERATIONS):
        before = ranks
        ranks = _step(links, restart, before)
        if sum(abs(new - old) for new, old in zip(ranks, before, strict=True)) < TOLERANCE:
            break
    return dict(zip(edges, ranks, strict=True))


def order_by_rank(ranks: Mapping[str, float]) -> list[str]:
    """Sort files by rank, the highest first; equal ones by path."""
    return sorted(ranks, key=lambda path: (-round(ranks[path], 9), path))


def _step(
    links: Sequence[Sequence[int]], restart: Sequence[float], before: Sequence[float]
) -> list[float]:
    passed = [0.0] * len(before)
    stranded = 0.0
    for rank, targets in zip(before, links, strict=True):
        if targets:
            share = rank / len(targets)
            for target in targets:
                passed[target] += share
        else:
            stranded += rank
    restarting = 1 - DAMPING + DAMPING * stranded
    return [DAMPING * p + restarting * r for p, r in zip(passed, restart, strict=True)]


def _find_starts(files: Sequence[str], targets: Sequence[str]) -> list[str]:
    existing = set(files)
    starts: list[str] = []
    for target in targets:
        directory = target.rpartition("/")[0]
        beside = [path for path in files if path.rpartition("/")[0] == directory]
        starts += [target] if target in existing else beside if target.endswith(".py") else []
    return list(dict.fromkeys(starts))
