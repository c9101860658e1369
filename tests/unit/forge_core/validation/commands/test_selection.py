"""Patterns select the files of a check, and no name of a file can become anything else."""

import subprocess

import pytest
from forge_core.validation.commands.selection import build_argv, matches, select_paths, spell
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.js", "a.js", True),
        ("*.js", "src/deep/a.js", True),
        ("*.js", "a.jsx", False),
        ("*.js", "a.js/b", False),
        ("src/*.js", "src/a.js", True),
        ("src/*.js", "src/b/a.js", False),
        ("src/*.js", "x/src/a.js", False),
        ("src/**/*.ts", "src/a.ts", True),
        ("src/**/*.ts", "src/b/c/a.ts", True),
        ("src/**", "src/b/c/a.ts", True),
        ("src/", "src/b/c", True),
        ("src/", "other/src/b", False),
        ("**/test_*.py", "test_a.py", True),
        ("**/test_*.py", "x/y/test_a.py", True),
        ("*.{js,ts}", "x/a.ts", True),
        ("*.{js,ts}", "x/a.tsx", False),
        ("*.{test,spec}.{js,ts}", "a.spec.js", True),
        ("[ab].c", "b.c", True),
        ("[!ab].c", "b.c", False),
        ("[!ab].c", "c.c", True),
        ("[a-c]?.c", "bx.c", True),
        ("a?c", "a/c", False),
        ("[!a]/b", "//b", False),
        ("Makefile", "sub/Makefile", True),
        ("a.b", "axb", False),
        ("a+b", "a+b", True),
        ("[", "[", True),
        ("{a", "{a", True),
        ("*", "a\nb", True),
    ],
)
def test_pattern(pattern: str, path: str, *, fits: bool) -> None:
    assert matches(pattern, path) is fits


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_pattern_is_one(pattern: str, path: str) -> None:
    matches(pattern, path)


def test_without_patterns_all_files_are_selected_in_their_order() -> None:
    assert select_paths((), ["b", "a"]) == ["b", "a"]
    assert select_paths(("*.c", "a*"), ["a.c", "b.h", "ab"]) == ["a.c", "ab"]


HOSTILE = [
    "-rf", "--output=x", "@args", "a b.js", "a'b.js", 'a"b.js', "$(touch pwned)", "`touch pwned`",
    "a;touch pwned", "a\nb.js", "*", "~", "{files}", "\\", "a&b", "é.js", "=x", "+x",
]  # fmt: skip


def test_hostile_names_reach_a_command_as_they_are() -> None:
    argv = build_argv("printf '%s\\0' {files}", HOSTILE)

    printed = subprocess.run(argv, capture_output=True, check=True).stdout.decode().split("\0")

    assert printed[:-1] == [spell(name) for name in HOSTILE]
    assert all(name.removeprefix("./") in HOSTILE for name in printed[:-1])
    assert not any(name.startswith(("-", "@", "+", "=", "~")) for name in printed[:-1])


@given(st.lists(st.text(st.characters(blacklist_characters="\0", codec="utf-8"), min_size=1)))
def test_no_path_begins_like_an_option(paths: list[str]) -> None:
    assert not any(word.startswith(("-", "@")) for word in map(spell, paths))


def test_command_without_the_placeholder_runs_as_it_is() -> None:
    assert build_argv("cargo check", ["a.rs"]) == ["/bin/sh", "-c", "cargo check"]
