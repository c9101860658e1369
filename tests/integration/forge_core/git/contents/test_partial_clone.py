"""What a partial clone lacks is fetched by few requests, and never to be measured."""

from pathlib import Path

import pytest
from forge_core.context.tree_view import TreeFile
from forge_core.errors import GitFailed
from forge_core.git.contents.base_files import read_base_files
from forge_core.git.contents.partial_clone import find_promisor, list_missing
from forge_core.git.contents.search import search_commit
from forge_core.git.worktree import ensure_task_worktree
from forge_core.runs.targets import check_targets
from forge_core.sources.git_files import UNREAD, list_commit
from support.repository import commit_all, git, make_repository

NAMES = [f"{directory}/m{number}.py" for directory in ("in", "out") for number in range(8)]


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """Make a repository whose branch `other` has other contents."""
    origin = make_repository(tmp_path / "origin", {name: f"# {name}\n" for name in NAMES})
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(origin, "checkout", "--quiet", "-b", "other")
    commit_all(origin, {name: f"# {name}, other\n" for name in NAMES}, "Other")
    git(origin, "checkout", "--quiet", "main")
    return origin


@pytest.fixture
def clone(origin: Path, tmp_path: Path) -> Path:
    clone = tmp_path / "clone"
    # As git itself would, and not through the local file system, which filters nothing.
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", origin.as_uri(), str(clone))
    return clone


def count_requests(clone: Path) -> int:
    """Count the packs that the origin has sent: one for each request."""
    return len(list((clone / ".git/objects/pack").glob("*.promisor")))


def test_all_targets_of_another_branch_are_one_request(clone: Path) -> None:
    other, before = git(clone, "rev-parse", "origin/other"), count_requests(clone)

    files = read_base_files(clone, other, NAMES[:8])
    check_targets(clone, other, NAMES[:8])

    assert files["in/m3.py"].content == b"# in/m3.py, other\n"
    assert count_requests(clone) == before + 1


def test_nothing_is_fetched_for_what_is_there(clone: Path, origin: Path) -> None:
    origin.rename(origin.with_name("away"))

    worktree = ensure_task_worktree(clone, "task", git(clone, "rev-parse", "main")).path

    assert list_missing(worktree, "main") == frozenset()
    assert len(list_commit(worktree, "main")) == len(NAMES)
    assert len(read_base_files(worktree, "main", NAMES)) == len(NAMES)


def test_what_cannot_be_fetched_is_an_error_of_git(clone: Path, origin: Path) -> None:
    origin.rename(origin.with_name("away"))

    with pytest.raises(GitFailed, match="cat-file failed"):
        read_base_files(clone, "origin/other", NAMES[:1])


def test_what_a_sparse_checkout_leaves_out_is_named_and_searched_without_a_request(
    origin: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    words = ("--quiet", "--filter=blob:none", "--sparse", "--branch=other")
    git(tmp_path, "clone", *words, origin.as_uri(), str(clone))
    git(clone, "sparse-checkout", "set", "in")
    before = count_requests(clone)

    files = list_commit(clone, "HEAD")
    search = search_commit(clone, git(clone, "rev-parse", "HEAD"), ", other")

    assert [file.path for file in files] == sorted(NAMES)
    assert TreeFile("out/m1.py", UNREAD, 0) in files
    assert next(file.size for file in files if file.path == "in/m1.py") == 18
    assert search is not None
    assert [line.path for line in search.lines] == NAMES[:8]
    assert count_requests(clone) == before


def test_whole_repository_has_no_promisor(origin: Path, clone: Path) -> None:
    worktree = ensure_task_worktree(clone, "task", git(clone, "rev-parse", "main")).path

    assert find_promisor(origin) is None
    assert find_promisor(clone) == "origin"
    assert find_promisor(worktree) == "origin"
    assert list_missing(origin, "other") == frozenset()
