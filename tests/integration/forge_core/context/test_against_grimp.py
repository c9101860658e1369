"""On real packages the import graph is grimp's, and its ranking is networkx's."""

import importlib
from functools import cache
from pathlib import Path

import grimp
import pytest
from forge_core.context.import_graph import ImportGraph, build_graph
from forge_core.context.python_source import read_module
from forge_core.context.rank import build_seeds, compute_pagerank
from support.lazy import LazyModule

networkx = LazyModule("networkx")
link_analysis = LazyModule("networkx.algorithms.link_analysis")

Edges = set[tuple[str, str]]

SELF_IMPORTS: Edges = {("rich.box", "rich.box"), ("rich.live", "rich.live")}
"""What grimp has beyond ours: rich's modules whose demonstrations import the module itself.

A file is never its own context.
"""


@cache
def read_graph(package: str) -> ImportGraph:
    directory = Path(importlib.import_module(package).__file__ or "").parent
    return build_graph(
        {
            str(path.relative_to(directory.parent)): read_module(path.read_bytes()).imports
            for path in sorted(directory.rglob("*.py"))
        }
    )


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@pytest.mark.parametrize(
    ("package", "modules", "only_grimp"),
    [("sqlalchemy", 250, set()), ("pydantic", 100, set()), ("rich", 75, SELF_IMPORTS)],
)
def test_edges_of_a_real_package_are_those_of_grimp(
    package: str, modules: int, only_grimp: Edges
) -> None:
    graph = read_graph(package)
    edges = {
        (module_name(path), module_name(target))
        for path, targets in graph.edges.items()
        for target in targets
    }

    known = grimp.build_graph(package, cache_dir=None)
    expected = {(m, t) for m in known.modules for t in known.find_modules_directly_imported_by(m)}
    assert len(graph.edges) >= modules
    assert {module_name(path) for path in graph.edges} == known.modules
    assert edges - expected == set()
    assert expected - edges == only_grimp


@pytest.mark.parametrize("target", ["sqlalchemy/orm/session.py", "sqlalchemy/exc.py", None])
def test_ranks_of_a_real_package_are_those_of_networkx(target: str | None) -> None:
    graph = read_graph("sqlalchemy")
    seeds = build_seeds(graph, (target,) if target else ())

    ranks = compute_pagerank(graph.edges, seeds)

    expected = link_analysis.pagerank_alg._pagerank_python(
        networkx.DiGraph(graph.edges), personalization=seeds, dangling=seeds, tol=1e-10
    )
    assert max(abs(ranks[path] - expected[path]) for path in graph.edges) < 1e-4
