"""A model is shown what it asks for as far as a context may show it, from the commit alone."""

from pathlib import Path

import pytest
from forge_core.models.call.context import ShownFile
from forge_core.models.call.context_request import ContextRequest
from forge_core.sources.on_demand import MAX_FOUND_LINES, ContextReader, Room, is_secret
from support.repository import add_submodule, commit_all, git, make_repository, put_files

LONG = "".join(f"line {number}\n" for number in range(1, 2001))
FILES: dict[str, str | bytes] = {
    "src/app.py": "import os\n\n\ndef run():\n    return needle(1)\n",
    "src/long.py": LONG,
    "src/crlf.txt": b"a needle\r\n",
    "lib/app.py": "x = 1\n",
    "logo.png": b"\x89PNG needle",
    "odd": b"\xff\xfe needle",
    "node_modules/dep/index.js": "needle\n",
    "uv.lock": "needle\n",
    ".env": "KEY=needle\n",
    ".gitignore": "ignored.py\n",
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = make_repository(tmp_path / "repo", FILES)
    (repo / "link.py").symlink_to("src/app.py")
    git(repo, "add", "link.py")
    git(repo, "commit", "--quiet", "-m", "Link")
    add_submodule(repo, "sub")
    put_files(repo, {"ignored.py": "needle\n", "new.py": "needle\n"})
    (repo / "src/app.py").write_text("changed since\n")
    return repo


def read(repo: Path, *, room: int = 20_000, named: tuple[str, ...] = ()) -> ContextReader:
    return ContextReader(repo, git(repo, "rev-parse", "HEAD"), Room(room), named)


def ask(*files: str, searches: tuple[str, ...] = ()) -> ContextRequest:
    return ContextRequest(files=files, searches=searches)


def test_file_is_shown_as_the_commit_has_it_and_counts_as_shown(repo: Path) -> None:
    given = read(repo).give(ask("src/app.py"), ())

    assert given.sections == (f"## Asked for: src/app.py\n\n```\n{FILES['src/app.py']!s}```\n",)
    assert given.shown == (ShownFile(path="src/app.py"),)
    assert given.told == "src/app.py; shown: src/app.py (whole)"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("ignored.py", "no such file"),
        ("new.py", "no such file"),
        ("link.py", "no such file"),
        ("sub", "no such file"),
        ("sub/x.py", "no such file"),
        ("../outside", "no such file"),
        ("/etc/passwd", "no such file"),
        (".git/config", "no such file"),
        ("other/app.py", "no such file, but lib/app.py, src/app.py"),
        ("src", "it is a directory: src/app.py, src/crlf.txt, src/long.py"),
        ("node_modules/dep/index.js", "it is left out: vendored"),
        ("uv.lock", "it is left out: lock file"),
        ("logo.png", "it is left out: binary"),
        ("odd", "it is no UTF-8 text"),
        (".env", "it may hold keys"),
    ],
)
def test_what_a_context_may_not_show_is_refused_with_the_reason(
    repo: Path, path: str, reason: str
) -> None:
    given = read(repo).give(ask(path), ())

    assert reason in given.sections[0]
    assert f"not shown: {path} (" in given.told
    assert given.shown == ()
    assert "needle" not in given.sections[0]


def test_file_that_the_user_named_may_be_any(repo: Path) -> None:
    given = read(repo, named=(".env",)).give(ask(".env"), ())

    assert "KEY=needle" in given.sections[0]


def test_file_that_stands_above_is_not_repeated(repo: Path) -> None:
    given = read(repo).give(ask("src/app.py"), (ShownFile(path="src/app.py"),))

    assert "(not shown: it stands above as a whole)" in given.sections[0]


def test_lines_of_a_long_file_are_shown_with_what_is_around_them(repo: Path) -> None:
    given = read(repo, room=6000).give(ask("src/long.py:1200-1205"), ())

    [shown] = given.shown
    assert shown.ranges is not None
    assert any(first <= 1200 and last >= 1205 for first, last in shown.ranges)
    assert "\nline 1203\n" in given.sections[0]
    assert "\nline 900\n" not in given.sections[0]


def test_search_finds_words_literally_in_what_may_be_shown(repo: Path) -> None:
    given = read(repo).give(ask(searches=("needle(", "needle", ".*", "-e", "")), ())

    texts = dict(zip(("call", "word", "pattern", "option"), given.sections, strict=True))
    assert "src/app.py:5:     return needle(1)\n" in texts["call"]
    assert "src/crlf.txt:1: a needle\n" in texts["word"]
    assert ".env" not in texts["word"]
    assert "node_modules" not in texts["word"]
    assert "new.py" not in texts["word"]
    assert "found in no file" in texts["pattern"]
    assert ShownFile(path="src/app.py", ranges=((5, 5),)) in given.shown


def test_search_is_bounded_and_says_what_it_leaves_out(repo: Path) -> None:
    given = read(repo).give(ask(searches=("line", "two\nlines")), ())

    assert f"({2000 - MAX_FOUND_LINES} more lines found)" in given.sections[0]
    assert f"{MAX_FOUND_LINES} of 2000 lines with 'line'" in given.told
    assert "a search is for words of one line" in given.sections[1]


def test_line_that_is_cut_does_not_count_as_shown(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo", {"a.txt": "needle " + "x" * 5000})

    given = read(repo).give(ask(searches=("needle",)), ())

    assert given.shown == ()
    assert len(given.sections[0]) < 500


def test_requests_share_the_room_and_each_leaves_half_of_it(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo", {f"{name}.py": LONG for name in "abcd"})
    reader = read(repo, room=8000)

    first = reader.give(ask("a.py", "b.py"), ())
    second = reader.give(ask("c.py"), first.shown)

    assert sum(map(len, first.sections)) <= 4200
    assert [file.path for file in first.shown] == ["a.py", "b.py"]
    assert sum(map(len, second.sections)) <= 2100
    assert reader.room.chars > 0

    reader.room.chars = 0
    assert "it finds no room" in reader.give(ask("d.py"), ()).sections[0]


def test_later_commits_make_no_difference(repo: Path) -> None:
    reader = read(repo)
    commit_all(repo, {"src/app.py": "later\n"}, "Later")

    assert "needle(1)" in reader.give(ask("src/app.py"), ()).sections[0]


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        (".env", True), ("a/.env.local", True), ("server.pem", True), ("id_rsa", True),
        ("conf/credentials.json", True), (".npmrc", True), (".env.example", False),
        ("secrets.py", False), ("id_rsa.pub", False), ("environment.py", False),
    ],
)  # fmt: skip
def test_files_that_hold_keys_are_known_by_their_names(path: str, secret: bool) -> None:
    assert is_secret(path) == secret
