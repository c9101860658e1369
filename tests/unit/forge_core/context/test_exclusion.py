"""What nobody wrote by hand, or nobody can read, is no context."""

import pytest
from forge_core.context.exclusion import find_exclusion, needs_reading
from forge_core.context.python_source import ModuleSource
from forge_core.context.tree_view import TreeFile, build_view, read_source, select_files


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("src/a.py", None),
        ("README.md", None),
        ("distance/a.py", None),
        ("vendor", None),
        ("node_modules/x/index.js", "vendored"),
        ("a/third_party/b.c", "vendored"),
        ("dist/app.js", "vendored"),
        ("uv.lock", "lock file"),
        ("web/Package-Lock.json", "lock file"),
        ("logo.PNG", "binary or minified"),
        ("site.min.js", "binary or minified"),
        ("two\nlines.py", "unprintable name"),
    ],
)
def test_file_is_left_out_by_its_path(path: str, reason: str | None) -> None:
    assert find_exclusion(path, 10) == reason


def test_file_over_a_megabyte_is_left_out() -> None:
    assert find_exclusion("a.txt", 1_000_000) is None
    assert find_exclusion("a.txt", 1_000_001) == "larger than 1 MB"


def test_what_is_left_out_is_counted() -> None:
    names = ["a.py", "data", "blob", "x.lock", "uv.lock", "gone"]
    files = [TreeFile(name, blob=name, size=1) for name in names]
    kept, left_out = select_files(files)
    sources = {
        "a.py": ModuleSource(fault="not parsed: bad"),
        "data": read_source("data", b"text"),
        "blob": read_source("blob", b"\0"),
        "x.lock": ModuleSource(),
    }

    view = build_view(kept, left_out, sources)

    assert list(view.blobs) == ["a.py", "data", "x.lock"]
    assert view.left_out == {"binary or minified": 1, "lock file": 1, "unreadable": 1}
    assert view.unparsed == ("a.py: not parsed: bad",)


def test_only_what_a_name_does_not_tell_is_read() -> None:
    assert [p for p in ("a.py", "b.md", "Makefile", "c.weird") if needs_reading(p)] == [
        "a.py",
        "Makefile",
        "c.weird",
    ]
