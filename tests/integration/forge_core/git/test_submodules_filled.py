"""Files of submodules in a worktree, taken from the checkout."""

import shutil
from pathlib import Path

import pytest
from forge_core.git.submodules import fill_submodules, list_absent
from forge_core.git.worktree import ensure_task_worktree, restore_worktree
from support.repository import add_submodule, git, make_repository

ALLOWED = ("-c", "protocol.file.allow=always")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Return a checkout that has the files of a submodule."""
    library = make_repository(tmp_path / "library", {"lib.py": "LIB = 1\n"})
    repo = make_repository(tmp_path / "repo", {"app.py": "APP = 1\n"})
    git(repo, *ALLOWED, "submodule", "--quiet", "add", str(library), "vendor/lib")
    git(repo, "commit", "--quiet", "-m", "Submodule")
    library.rename(tmp_path / "gone")
    return repo


def make_worktree(repo: Path) -> tuple[Path, str]:
    head = git(repo, "rev-parse", "HEAD")
    worktree = ensure_task_worktree(repo, "t", head)
    fill_submodules(repo, worktree.path, worktree.head)
    return worktree.path, head


def test_worktree_has_the_files_that_the_checkout_has_without_a_network(repo: Path) -> None:
    worktree, head = make_worktree(repo)

    assert (worktree / "vendor" / "lib" / "lib.py").read_text() == "LIB = 1\n"
    assert git(worktree, "status", "--porcelain") == ""
    assert git(repo, "status", "--porcelain") == ""
    assert list_absent(repo, head) == []


def test_what_tests_did_to_a_submodule_is_undone(repo: Path) -> None:
    worktree, head = make_worktree(repo)
    (worktree / "vendor" / "lib" / "lib.py").write_text("LIB = 2\n")
    (worktree / "vendor" / "lib" / "more.py").write_text("")

    restore_worktree(worktree, head)

    assert [p.name for p in (worktree / "vendor" / "lib").glob("*.py")] == ["lib.py"]
    assert (worktree / "vendor" / "lib" / "lib.py").read_text() == "LIB = 1\n"


def test_link_in_the_place_of_a_submodule_is_replaced_and_not_followed(repo: Path) -> None:
    worktree, head = make_worktree(repo)
    (worktree / "vendor" / "lib").rename(worktree / "elsewhere")
    (worktree / "vendor" / "lib").symlink_to(repo / "vendor" / "lib")

    restore_worktree(worktree, head)

    assert not (worktree / "vendor" / "lib").is_symlink()
    assert (repo / "vendor" / "lib" / "lib.py").read_text() == "LIB = 1\n"
    assert (worktree / "vendor" / "lib" / "lib.py").exists()


def test_submodule_that_the_checkout_does_not_have_is_named(repo: Path) -> None:
    git(repo, "submodule", "--quiet", "deinit", "--force", "vendor/lib")
    shutil.rmtree(repo / ".git" / "modules")
    worktree, head = make_worktree(repo)

    assert list_absent(repo, head) == ["vendor/lib"]
    assert list((worktree / "vendor" / "lib").iterdir()) == []


def test_clone_that_git_kept_of_a_submodule_is_enough(repo: Path) -> None:
    git(repo, "submodule", "--quiet", "deinit", "--force", "vendor/lib")
    worktree, head = make_worktree(repo)

    assert list_absent(repo, head) == []
    assert (worktree / "vendor" / "lib" / "lib.py").read_text() == "LIB = 1\n"


@pytest.fixture
def nesting(tmp_path: Path) -> Path:
    """Return a checkout whose submodule has a submodule."""
    inner = make_repository(tmp_path / "inner", {"inner.py": "INNER = 1\n"})
    outer = make_repository(tmp_path / "outer", {"outer.py": "OUTER = 1\n"})
    git(outer, *ALLOWED, "submodule", "--quiet", "add", str(inner), "deps/inner")
    git(outer, "commit", "--quiet", "-m", "Submodule")
    repo = make_repository(tmp_path / "nesting", {"app.py": "APP = 1\n"})
    git(repo, *ALLOWED, "submodule", "--quiet", "add", str(outer), "vendor/outer")
    git(repo, "commit", "--quiet", "-m", "Submodule")
    git(repo, *ALLOWED, "submodule", "--quiet", "update", "--init", "--recursive")
    return repo


def test_submodules_of_submodules_are_filled_and_brought_back(nesting: Path) -> None:
    worktree, head = make_worktree(nesting)
    inner = worktree / "vendor" / "outer" / "deps" / "inner" / "inner.py"
    assert inner.read_text() == "INNER = 1\n"

    inner.write_text("INNER = 2\n")
    restore_worktree(worktree, head)

    assert inner.read_text() == "INNER = 1\n"
    assert git(worktree, "status", "--porcelain") == ""
    assert list_absent(nesting, head) == []


def test_absent_submodule_of_a_submodule_is_named_by_its_whole_path(nesting: Path) -> None:
    outer = nesting / "vendor" / "outer"
    git(outer, "submodule", "--quiet", "deinit", "--force", "deps/inner")
    shutil.rmtree(nesting / ".git" / "modules" / "vendor" / "outer" / "modules")

    assert list_absent(nesting, git(nesting, "rev-parse", "HEAD")) == ["vendor/outer/deps/inner"]


def test_repository_without_names_of_submodules_has_none_to_fill(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "plain", {"app.py": ""})
    add_submodule(repo, "vendor")

    worktree, head = make_worktree(repo)

    assert list_absent(repo, head) == []
    assert list((worktree / "vendor").iterdir()) == []
