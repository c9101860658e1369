"""Imports are resolved within the tree, whatever its layout."""

import pytest
from forge_core.context.discover import find_imported
from forge_core.context.import_graph import ImportGraph, build_graph
from forge_core.context.python_source import read_module


def make_graph(files: dict[str, str]) -> ImportGraph:
    return build_graph({path: read_module(text.encode()).imports for path, text in files.items()})


@pytest.mark.parametrize(
    ("files", "importer", "imported"),
    [
        pytest.param(
            {"app.py": "import tools", "tools.py": ""}, "app.py", ("tools.py",), id="flat modules"
        ),
        pytest.param(
            {"pkg/__init__.py": "", "pkg/a.py": "from pkg import b", "pkg/b.py": ""},
            "pkg/a.py",
            ("pkg/b.py",),
            id="flat package",
        ),
        pytest.param(
            {"src/pkg/__init__.py": "", "src/pkg/b.py": "", "tests/test_b.py": "import pkg.b"},
            "tests/test_b.py",
            ("src/pkg/b.py",),
            id="src layout",
        ),
        pytest.param(
            {
                "packages/one/src/one/__init__.py": "",
                "packages/two/src/two/__init__.py": "from one import thing",
                "packages/one/src/one/thing.py": "",
            },
            "packages/two/src/two/__init__.py",
            ("packages/one/src/one/thing.py",),
            id="several packages",
        ),
        pytest.param(
            {
                "a/src/space/left/__init__.py": "import space.right",
                "b/src/space/right/__init__.py": "",
            },
            "a/src/space/left/__init__.py",
            ("b/src/space/right/__init__.py",),
            id="namespace package over two roots",
        ),
        pytest.param(
            {"tests/unit/test_x.py": "from support.tool import f", "tests/support/tool.py": ""},
            "tests/unit/test_x.py",
            ("tests/support/tool.py",),
            id="namespace beside tests",
        ),
        pytest.param(
            {
                "pkg/__init__.py": "",
                "pkg/sub/__init__.py": "",
                "pkg/sub/m.py": "from . import n\nfrom .. import top\nfrom ..other import x",
                "pkg/sub/n.py": "",
                "pkg/top.py": "",
                "pkg/other.py": "",
            },
            "pkg/sub/m.py",
            ("pkg/sub/n.py", "pkg/top.py", "pkg/other.py"),
            id="relative",
        ),
        pytest.param(
            {"pkg/__init__.py": "", "pkg/json.py": "", "pkg/a.py": "import json"},
            "pkg/a.py",
            (),
            id="a sibling does not hide the standard library",
        ),
        pytest.param(
            {"pkg/__init__.py": "", "pkg/a.py": "import pkg.a, pkg.gone.deep"},
            "pkg/a.py",
            ("pkg/__init__.py",),
            id="itself is left out, what is missing falls to its package",
        ),
        pytest.param(
            {"m.py": "", "m/__init__.py": "", "a.py": "import m"},
            "a.py",
            ("m/__init__.py",),
            id="a package goes before a module",
        ),
        pytest.param(
            {"pkg/__init__.py": "", "pkg/a.py": "from ....far import x"},
            "pkg/a.py",
            (),
            id="beyond the top",
        ),
    ],
)
def test_import_leads_to_its_file(
    files: dict[str, str], importer: str, imported: tuple[str, ...]
) -> None:
    assert make_graph(files).edges[importer] == imported


def test_nearest_module_of_a_name_is_meant() -> None:
    graph = make_graph(
        {
            "one/run.py": "import tool",
            "one/tool.py": "",
            "two/run.py": "import tool",
            "two/tool.py": "",
        }
    )

    assert graph.edges["one/run.py"] == ("one/tool.py",)
    assert graph.edges["two/run.py"] == ("two/tool.py",)


CYCLE = {
    "p/__init__.py": "from p.impl import Thing as Public\nfrom .other import *",
    "p/impl.py": "from p.deep import base",
    "p/deep.py": "import p.user",
    "p/other.py": "",
    "p/user.py": "from p import Public",
}


def test_reexported_name_counts_as_imported_from_its_source() -> None:
    graph = make_graph(CYCLE)

    assert graph.edges["p/user.py"] == ("p/__init__.py",)
    assert graph.find_origins("p/user.py") == ("p/__init__.py", "p/impl.py")


def test_packages_that_reexport_each_other_end() -> None:
    graph = make_graph(
        {
            "a/__init__.py": "from b import x",
            "b/__init__.py": "from a import x",
            "m.py": "from a import x",
        }
    )

    assert graph.find_origins("m.py") == ("a/__init__.py", "b/__init__.py")


def test_imports_are_followed_to_their_depth_and_no_further() -> None:
    graph = make_graph(CYCLE)
    ranked = sorted(CYCLE)

    def reach(depth: int) -> list[tuple[str, int]]:
        return [
            (found.path, found.distance)
            for found in find_imported(graph, ("p/user.py",), depth, ranked)
        ]

    assert reach(0) == []
    assert reach(1) == [("p/__init__.py", 1), ("p/impl.py", 1)]
    assert reach(2) == [*reach(1), ("p/deep.py", 2), ("p/other.py", 2)]
    assert reach(9) == reach(2)


def test_importers_of_a_file_are_found() -> None:
    assert make_graph(CYCLE).find_importers(["p/impl.py", "p/user.py"]) == (
        "p/__init__.py",
        "p/deep.py",
    )
