"""A search looks through the text of a commit, and comes to an end."""

from pathlib import Path

import pytest
from forge_core.git.command import Git
from forge_core.git.contents import search
from forge_core.git.contents.search import FoundLine, search_commit
from support.repository import git, make_repository


def test_lines_are_found_with_their_places(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "r", {"a: b.py": "x\nfoo: 1\n", "d/é.txt": "foo\n"})

    found = search_commit(repo, git(repo, "rev-parse", "HEAD"), "foo")

    assert found is not None
    assert found.lines == (FoundLine("a: b.py", 2, "foo: 1"), FoundLine("d/é.txt", 1, "foo"))
    assert found.is_whole


def test_nothing_found_is_no_failure_and_no_commit_is(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "r", {"a.py": "x\n"})
    head = git(repo, "rev-parse", "HEAD")

    nothing = search_commit(repo, head, "foo")

    assert nothing is not None
    assert nothing.lines == ()
    assert search_commit(repo, "0" * 40, "foo") is None


def test_output_is_read_only_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = make_repository(tmp_path / "r", {f"{n}.txt": "needle\n" * 20_000 for n in range(5)})
    monkeypatch.setattr(search, "MAX_OUTPUT_BYTES", 10_000)

    found = search_commit(repo, git(repo, "rev-parse", "HEAD"), "needle")

    assert found is not None
    assert not found.is_whole
    assert 100 < len(found.lines) < 1000
    assert all(line.text == "needle" for line in found.lines)


def test_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "r", {"a.py": "x\n"})
    hang = ("-c", "alias.hang=!echo begun && sleep 600", "hang")

    assert Git(repo).read_some(*hang, most=100, timeout_s=0.5) is None
    assert Git(repo).read_some(*hang, most=3, timeout_s=60) == b"beg"
