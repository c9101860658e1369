"""What targets lead to ranks first, and the order is always the same."""

from forge_core.context.import_graph import build_graph
from forge_core.context.python_source import read_module
from forge_core.context.rank import build_seeds, compute_pagerank, order_by_rank
from hypothesis import given
from hypothesis import strategies as st
from support.lazy import LazyModule

networkx = LazyModule("networkx")
link_analysis = LazyModule("networkx.algorithms.link_analysis")

NODES = [f"n{number}" for number in range(12)]
EDGES = st.dictionaries(
    st.sampled_from(NODES), st.sets(st.sampled_from(NODES), max_size=6), max_size=12
).map(lambda edges: {node: sorted(edges.get(node, set()) - {node}) for node in NODES})
WEIGHTS = st.lists(st.integers(1, 100), min_size=12, max_size=12)


@given(EDGES, WEIGHTS)
def test_ranks_are_those_of_networkx(edges: dict[str, list[str]], weights: list[int]) -> None:
    seeds = {node: weight / sum(weights) for node, weight in zip(NODES, weights, strict=True)}

    ranks = compute_pagerank(edges, seeds)

    graph = networkx.DiGraph(edges)
    expected = link_analysis.pagerank_alg._pagerank_python(
        graph, personalization=seeds, dangling=seeds, max_iter=1000, tol=1e-9
    )
    assert max(abs(ranks[node] - expected[node]) for node in NODES) < 1e-4


def test_without_files_there_is_nothing_to_rank() -> None:
    assert compute_pagerank({}, {}) == {}


def test_equal_ranks_are_ordered_by_path() -> None:
    assert order_by_rank({"b": 0.2, "a": 0.2, "c": 0.6}) == ["c", "a", "b"]


FILES = {
    "pkg/__init__.py": "",
    "pkg/target.py": "import pkg.used",
    "pkg/used.py": "",
    "pkg/caller.py": "import pkg.target",
    "pkg/apart.py": "import pkg.far",
    "pkg/far.py": "",
    "new/beside.py": "",
}
GRAPH = build_graph({path: read_module(text.encode()).imports for path, text in FILES.items()})


def rank(*targets: str) -> list[str]:
    return order_by_rank(compute_pagerank(GRAPH.edges, build_seeds(GRAPH, targets)))


def test_target_what_it_uses_and_who_calls_it_come_first() -> None:
    assert rank("pkg/target.py")[:3] == ["pkg/target.py", "pkg/used.py", "pkg/caller.py"]


def test_target_that_does_not_exist_yet_stands_for_its_directory() -> None:
    assert rank("new/thing.py")[0] == "new/beside.py"


def test_without_targets_what_is_imported_most_comes_first() -> None:
    assert rank()[0] == "pkg/used.py"


@given(st.lists(st.sampled_from([*FILES, "none/x.py", "README.md"]), max_size=4))
def test_seeds_add_up_to_one(targets: list[str]) -> None:
    assert abs(sum(build_seeds(GRAPH, targets).values()) - 1) < 1e-9
