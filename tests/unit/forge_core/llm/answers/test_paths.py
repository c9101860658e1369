"""A path is read as the file that its spelling can only mean, and never becomes a safer one."""

import pytest
from forge_core.errors import RefusedPath
from forge_core.files.paths import parse_path
from forge_core.llm.answers.paths import normalise_path
from hypothesis import given
from hypothesis import strategies as st

PARTS = st.sampled_from(["a", "b.py", ".", "..", "", ".git", "-x", "~", "C:", " "])


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("./a.py", "a.py"),
        (".//a.py", "a.py"),
        ("a//b/./c.py", "a/b/c.py"),
        ("src\\pkg\\a.py", "src/pkg/a.py"),
        (".\\a.py", "a.py"),
        ("a/", "a/"),
        (".", "."),
        ("./", "."),
        (".\\.", "."),
        ("", ""),
        ("/etc/passwd", "/etc/passwd"),
        ("\\\\host\\x", "/host/x"),
        ("a/../b.py", "a/../b.py"),
        ("../b.py", "../b.py"),
        (".github/x.yml", ".github/x.yml"),
        ("...", "..."),
    ],
)
def test_path_is_spelled_as_git_spells_it(path: str, normal: str) -> None:
    assert normalise_path(path) == normal


@given(st.lists(PARTS, min_size=1, max_size=5), st.sampled_from(["/", "\\"]))
def test_nothing_but_empty_and_dot_parts_goes(parts: list[str], separator: str) -> None:
    path = separator.join(parts)

    normal = normalise_path(path)

    kept = [part for part in normal.split("/") if part not in {"", "."}]
    assert kept == [part for part in parts if part not in {"", "."}]
    assert normalise_path(normal) == normal
    assert normal.startswith("/") == path.replace("\\", "/").startswith("/")


@pytest.mark.parametrize("path", ["./../x", ".\\.git\\config", "./.git/hooks/x", "./-x", ".\\~\\x"])
def test_what_may_not_be_written_stays_so(path: str) -> None:
    with pytest.raises(RefusedPath):
        parse_path(normalise_path(path))
