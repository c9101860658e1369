"""A path that a model chose is a plain name below the worktree, or it is refused."""

import unicodedata
from pathlib import PurePosixPath

import pytest
from forge_core.errors import RefusedPath
from forge_core.files.paths import fold_path, parse_path
from hypothesis import given
from hypothesis import strategies as st

PLAIN = [
    "a",
    "src/pkg/mod.py",
    ".github/workflows/ci.yml",
    ".gitignore",
    ".gitattributes",
    ".env",
    "a b/c d.txt",
    "ünïcödé/文件.py",
    "a-b/c--d",
    "weird[1]{2}'$&;#!.py",
    "x" * 255,
    "git/config",
    "a~1",
    "...x",
]

HOSTILE = {
    "empty": "",
    "dot": ".",
    "dot-dot": "..",
    "up": "../x",
    "up twice": "../../x",
    "up inside": "a/../x",
    "dot inside": "a/./x",
    "absolute": "/etc/passwd",
    "two slashes": "a//b",
    "trailing slash": "a/",
    "home": "~/x",
    "other home": "~root/x",
    "git file": ".git",
    "git config": ".git/config",
    "git hook": ".git/hooks/pre-commit",
    "nested git": "sub/.git/config",
    "upper case git": ".GIT/config",
    "mixed case git": "a/.GiT",
    "git and blank": ".git /config",
    "git and dot": ".git./config",
    "git and dots and blanks": ".git. . /x",
    "git short name": "git~1/config",
    "upper git short name": "GIT~1",
    "zero width in git": ".g\u200cit/config",
    "byte order mark in git": ".git\ufeff/config",
    "full width git": "\uff0e\uff47\uff49\uff54/config",
    "roman numeral in git": ".g\u2170t/config",
    "stream of git": ".git::$INDEX_ALLOCATION/config",
    "worktree of a run": ".forge-worktrees/other/app.py",
    "worktree of a run in other case": ".Forge-Worktrees/other/app.py",
    "newline": "a\nb",
    "last newline": "a\n",
    "carriage return": "a\rb",
    "escape": "a\x1b[2Jb",
    "null": "a\0b",
    "delete": "a\x7fb",
    "c1": "a\x9bb",
    "right to left": "a\u202egnp.py",
    "isolate": "a\u2066b",
    "line separator": "a\u2028b",
    "surrogate": "a\ud800b",
    "escaped byte": "a\udcffb",
    "private use": "a\ue000b",
    "option": "-rf",
    "long option": "--config=evil.toml",
    "option in a directory": "a/-x",
    "pathspec": ":(top)x",
    "star": "*",
    "question mark": "a?",
    "backslash": "a\\b",
    "up with backslash": "..\\x",
    "drive": "C:/x",
    "quote": 'a"b',
    "pipe": "a|b",
    "redirect": "a>b",
    "leading blank": " a",
    "trailing blank": "a ",
    "wide blank": "\u3000a",
    "trailing dot": "a.",
    "long part": "x" * 256,
    "long part in bytes": "é" * 128,
    "long path": "/".join(["x" * 200] * 6),
}


@pytest.mark.parametrize("path", PLAIN, ids=ascii)
def test_plain_path_is_split_into_its_parts(path: str) -> None:
    assert "/".join(parse_path(path)) == path


@pytest.mark.parametrize("path", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_path_is_refused(path: str) -> None:
    with pytest.raises(RefusedPath):
        parse_path(path)


@pytest.mark.parametrize("path", HOSTILE.values(), ids=HOSTILE.keys())
def test_refusal_is_one_short_printable_line(path: str) -> None:
    with pytest.raises(RefusedPath) as refused:
        parse_path(path)

    assert str(refused.value).isascii()
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 2000


NASTY_TEXT = st.text(
    st.one_of(st.sampled_from("./\\-~ gitGIT:*\u200c\uff0e\n\0\ud800"), st.characters(codec=None)),
    max_size=40,
)


@given(NASTY_TEXT)
def test_whatever_is_accepted_is_a_visible_name_below_the_root(path: str) -> None:
    try:
        parts = parse_path(path)
    except RefusedPath:
        return

    assert PurePosixPath("/root", *parts).parts == ("/", "root", *parts)
    assert not {"", ".", ".."} & set(parts)
    assert not any(part.startswith("-") for part in parts)
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co"} for char in path)


@given(st.sampled_from([".git", "git~1"]), st.data())
def test_no_spelling_of_git_is_accepted_at_any_depth(name: str, data: st.DataObject) -> None:
    spelled = "".join(data.draw(st.sampled_from([c, c.upper()])) for c in name)
    tail = data.draw(st.text(". ", max_size=3))
    above = data.draw(st.lists(st.sampled_from(["a", "b"]), max_size=3))
    below = data.draw(st.lists(st.sampled_from(["c", "config"]), max_size=2))

    with pytest.raises(RefusedPath):
        parse_path("/".join([*above, spelled + tail, *below]))


@pytest.mark.parametrize(
    ("one", "other"), [("README.md", "readme.MD"), ("é", "e\u0301"), ("straße", "STRASSE")]
)
def test_names_that_a_file_system_may_take_for_one_fold_together(one: str, other: str) -> None:
    assert fold_path(one) == fold_path(other)
