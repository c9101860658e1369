"""Files of a commit are read as a checkout has them, whatever stands in the worktree."""

from pathlib import Path

import pytest
from forge_core.errors import GitFailed
from forge_core.git.contents.base_files import read_base_files
from forge_core.models.changes import BaseFile
from support.repository import add_submodule, git, make_repository


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = make_repository(
        tmp_path / "repo",
        {"a.py": "a = 1\n", "sub/b[1].py": "b = 1\n", "run.sh": "#!/bin/sh\n", "x.bin": b"\0\xff"},
    )
    (repo / "link.py").symlink_to("a.py")
    git(repo, "add", "link.py")
    git(repo, "update-index", "--chmod=+x", "run.sh")
    git(repo, "commit", "--quiet", "-m", "More")
    add_submodule(repo, "module")
    return repo


def test_regular_files_are_read_from_the_commit(repo: Path) -> None:
    (repo / "a.py").write_text("changed\n")
    (repo / "sub/b[1].py").unlink()

    files = read_base_files(repo, "HEAD", ["a.py", "sub/b[1].py", "run.sh", "x.bin"])

    assert files == {
        "a.py": BaseFile(b"a = 1\n"),
        "sub/b[1].py": BaseFile(b"b = 1\n"),
        "run.sh": BaseFile(b"#!/bin/sh\n", executable=True),
        "x.bin": BaseFile(b"\0\xff"),
    }


def test_what_is_no_regular_file_of_the_commit_is_absent(repo: Path) -> None:
    (repo / "new.py").write_text("n = 1\n")
    paths = ["link.py", "module", "sub", "new.py", "no.py", "../repo/a.py", ".git/config", "-x", ""]

    assert read_base_files(repo, "HEAD", paths) == {}
    assert read_base_files(repo, "HEAD", []) == {}


def test_line_endings_and_filters_of_a_checkout_apply(repo: Path) -> None:
    (repo / ".gitattributes").write_text("a.py eol=crlf\nrun.sh filter=loud\n")
    git(repo, "config", "filter.loud.smudge", "tr a-z A-Z")

    files = read_base_files(repo, "HEAD", ["a.py", "run.sh"])

    assert files["a.py"].content == b"a = 1\r\n"
    assert files["run.sh"].content == b"#!/BIN/SH\n"


def test_commit_that_is_missing_is_an_error(repo: Path) -> None:
    with pytest.raises(GitFailed):
        read_base_files(repo, "0" * 40, ["a.py"])
