"""A repository's files are listed as git sees them, with git's own ids."""

import os
from pathlib import Path

import pytest
from forge_core.context.tree_view import TreeFile
from forge_core.errors import GitFailed
from forge_core.sources.git_files import list_commit, list_worktree
from support.repository import commit_all, git, make_repository, put_files

FILES: dict[str, str | bytes] = {
    "a.txt": "a\n",
    "binary.bin": b"a\0b",
    "src/ü.py": "ü = 1\n",
    ".gitignore": "*.log\n/build/\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", FILES)


def paths(files: list[TreeFile]) -> list[str]:
    return [file.path for file in files]


def test_commit_and_clean_worktree_list_the_same(root: Path) -> None:
    listed = list_commit(root, "HEAD")

    assert listed == list_worktree(root)
    assert paths(listed) == sorted(FILES)
    assert [(f.blob, f.size) for f in listed if f.path == "a.txt"] == [
        (git(root, "hash-object", "a.txt"), 2)
    ]


def test_worktree_has_what_changed_and_nothing_that_git_ignores(root: Path) -> None:
    put_files(root, {"a.txt": "b\n", "new.txt": "12345", "x.log": "", "build/y": ""})
    (root / "binary.bin").unlink()

    listed = {file.path: file for file in list_worktree(root)}

    assert sorted(listed) == [".gitignore", "a.txt", "new.txt", "src/ü.py"]
    assert listed["a.txt"].blob == git(root, "hash-object", "a.txt")
    assert listed["new.txt"] == TreeFile(
        "new.txt", git(root, "hash-object", "new.txt"), 5, tracked=False
    )


def test_commit_stays_what_it_was(root: Path) -> None:
    base = git(root, "rev-parse", "HEAD")
    before = list_commit(root, base)
    commit_all(root, {"a.txt": "later", "later.txt": ""}, "Later")

    assert list_commit(root, base) == before


def test_links_pipes_submodules_and_nested_repositories_are_no_files(root: Path) -> None:
    (root / "link").symlink_to("a.txt")
    (root / "directory link").symlink_to("src")
    git(root, "add", "link")
    os.mkfifo(root / "pipe")
    make_repository(root / "nested", {"inner.txt": ""})
    inner = git(root / "nested", "rev-parse", "HEAD")
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{inner},nested")
    git(root, "commit", "--quiet", "-m", "Odd things")

    assert paths(list_worktree(root)) == sorted(FILES)
    assert paths(list_commit(root, "HEAD")) == sorted(FILES)


def test_names_that_are_no_text_and_large_files_break_nothing(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root) + b"/no-utf8-\xff")).touch()
    put_files(root, {"two\nlines": "", "-option": "", "large.txt": "x" * 1_000_001})

    listed = {file.path: file for file in list_worktree(root)}

    assert listed["large.txt"] == TreeFile("large.txt", "", 1_000_001, tracked=False)
    assert listed["-option"].size == 0
    assert len(listed) == len(FILES) + 4


def test_repository_with_sha256_ids_is_listed(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "--quiet", "--object-format=sha256")
    commit_all(root, {"a.py": "a = 1\n", "b.py": "b = 1\n"}, "Start")
    put_files(root, {"b.py": "b = 2\n"})

    listed = list_worktree(root)

    assert [file.blob for file in listed] == [
        git(root, "hash-object", "a.py"),
        git(root, "hash-object", "b.py"),
    ]


def test_commit_that_does_not_exist_is_gits_error(root: Path) -> None:
    with pytest.raises(GitFailed, match="ls-tree"):
        list_commit(root, "f" * 40)
