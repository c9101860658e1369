"""Lines are followed to their commits, and commits read, whatever stands in names and messages."""

from pathlib import Path

import pytest
from forge_core.errors import RepositoryError, UsageError
from forge_core.git.blame import (
    blame_lines,
    find_blob,
    find_commit,
    list_merged_commits,
    list_written_paths,
    locate_file,
    resolve_commits,
)
from support.repository import commit_all, git, make_repository, put_files


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "r", {"a.py": "one\ntwo\nthree\n"})


def test_each_line_has_its_commit_and_what_is_in_none_has_none(repo: Path) -> None:
    first = git(repo, "rev-parse", "HEAD")
    second = commit_all(repo, {"a.py": "one\n2\nthree\n"}, "Two")
    put_files(repo, {"a.py": "one\n2\nthree\n\tfour\r\n"})

    lines = blame_lines(repo, "a.py")

    assert [(line.number, line.text, line.commit) for line in lines] == [
        (1, "one", first),
        (2, "2", second),
        (3, "three", first),
        (4, "\tfour\r", None),
    ]


def test_some_lines_are_asked_for_by_their_numbers(repo: Path) -> None:
    assert [line.text for line in blame_lines(repo, "a.py", 2)] == ["two"]
    assert [line.number for line in blame_lines(repo, "a.py", 2, 3)] == [2, 3]


def test_renamed_file_is_called_as_it_was_where_its_lines_come_from(repo: Path) -> None:
    git(repo, "mv", "a.py", "b c.py")
    git(repo, "commit", "--quiet", "-m", "Rename")

    assert {line.path for line in blame_lines(repo, "b c.py")} == {"a.py"}


@pytest.mark.parametrize("name", ['we"ird.py', "t\tab.py", 'ü"\\.py', "ü.py"])
def test_file_is_called_as_it_is_where_git_quotes_its_name(repo: Path, name: str) -> None:
    commit_all(repo, {name: "x\n"}, "Odd")

    assert [line.path for line in blame_lines(repo, name)] == [name]


def test_missing_line_or_commit_is_a_fault_of_the_request(repo: Path) -> None:
    put_files(repo, {"new.py": "x\n"})

    with pytest.raises(UsageError, match="has only 3 lines"):
        blame_lines(repo, "a.py", 9)
    with pytest.raises(UsageError, match=r"new\.py is in no commit yet"):
        blame_lines(repo, "new.py")
    with pytest.raises(RepositoryError, match="there is no commit 'nope'"):
        find_commit(repo, "nope")


def test_file_is_found_from_wherever_it_is_named(repo: Path, tmp_path: Path) -> None:
    put_files(repo, {"pkg/m.py": "x\n"})

    assert locate_file(repo / "pkg" / ".." / "pkg" / "m.py") == (repo, "pkg/m.py")
    with pytest.raises(UsageError, match="there is no file"):
        locate_file(repo / "gone.py")
    with pytest.raises(UsageError, match="is a directory"):
        locate_file(repo / "pkg")
    (tmp_path / "outside").write_text("")
    with pytest.raises(RepositoryError):
        locate_file(tmp_path / "outside")


def test_commits_are_read_whole_in_the_order_asked_for(repo: Path) -> None:
    first = git(repo, "rev-parse", "HEAD")
    subject = "Zwei \x1b[31m, \x01 and é"
    second = commit_all(repo, {"b.py": "b\n"}, f"{subject}\n\nbody\n\nForge-Workflow: w")

    commits = resolve_commits(repo, [second, first])

    assert [commit.sha for commit in commits] == [second, first]
    assert commits[0].subject == subject
    assert commits[0].message.endswith("body\n\nForge-Workflow: w")
    assert (commits[0].parents, commits[1].parents) == ((first,), ())
    assert (commits[0].author, commits[0].email) == ("Test", "test@example.org")
    assert resolve_commits(repo, []) == []


def test_merge_is_told_by_its_parents_and_gives_what_it_brought(repo: Path) -> None:
    git(repo, "checkout", "--quiet", "-b", "side")
    brought = commit_all(repo, {"s.py": "s\n"}, "Side")
    git(repo, "checkout", "--quiet", "main")
    git(repo, "merge", "--quiet", "--no-ff", "-m", "Merge side", "side")

    merge = find_commit(repo, "HEAD")

    assert merge.is_merge
    assert [commit.sha for commit in list_merged_commits(repo, merge)] == [brought]


def test_written_paths_are_those_that_a_commit_leaves_behind(repo: Path) -> None:
    git(repo, "rm", "--quiet", "a.py")
    commit = commit_all(repo, {"b\tc.py": "b\n"}, "Both")

    assert list_written_paths(repo, find_commit(repo, commit)) == ["b\tc.py"]
    assert list_written_paths(repo, find_commit(repo, f"{commit}~1")) == ["a.py"]
    assert find_blob(repo, commit, "b\tc.py") == git(repo, "hash-object", "b\tc.py")
    assert find_blob(repo, commit, "a.py") is None
