"""A target that can never be written is found before anything is paid for."""

import unicodedata
from pathlib import Path

import pytest
from forge_core.errors import UsageError
from forge_core.runs.targets import check_targets
from support.repository import add_submodule, commit_all, git, make_repository

NFD = unicodedata.normalize("NFD", "docs/café.md")

FILES: dict[str, str | bytes] = {
    "real/x.py": "X = 1\n",
    NFD: "# Old\n",
    "README": "one\n",
    "latin.txt": "é\n".encode("latin-1"),
    "image.dat": b"\0\1\2",
    "large.txt": b"x\n" * 500_001,
    "model.json": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = make_repository(tmp_path / "repo", FILES)
    (repo / "alias").symlink_to("real")
    (repo / "link.py").symlink_to("real/x.py")
    commit_all(repo, {}, "Links")
    return repo


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("alias/x.py", "'alias' is a symbolic link"),
        ("alias/new/x.py", "'alias' is a symbolic link"),
        ("link.py", "'link.py' is a symbolic link"),
        ("README/x.py", "'README' is a file"),
        ("real", "it is a directory"),
        (unicodedata.normalize("NFC", NFD), "in another Unicode form"),
        ("Real/x.py", "'real' stands there, which some file systems take for it"),
        ("readme", "'README' stands there"),
        ("latin.txt", "it is not UTF-8 text"),
        ("image.dat", "it is a binary file"),
        ("large.txt", "it is larger than 1 MB"),
        ("model.json", "it is a pointer of git lfs"),
    ],
)
def test_target_that_can_never_be_written_is_refused(repo: Path, target: str, reason: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_targets(repo, "HEAD", ["real/x.py", target])

    assert repr(target) in str(refused.value)
    assert reason in str(refused.value)


@pytest.mark.parametrize("target", ["real/x.py", NFD, "new.py", "real/new.py", "a/b/c.py"])
def test_target_that_stands_or_is_new_passes(repo: Path, target: str) -> None:
    check_targets(repo, "HEAD", [target])


def test_no_target_is_no_fault(repo: Path) -> None:
    check_targets(repo, "HEAD", [])


def test_target_in_a_submodule_is_refused(repo: Path) -> None:
    add_submodule(repo, "lib")

    with pytest.raises(UsageError, match="'lib' is a submodule"):
        check_targets(repo, "HEAD", ["lib/x.py"])


def test_sparse_target_passes(repo: Path) -> None:
    git(repo, "sparse-checkout", "set", "docs")

    check_targets(repo, "HEAD", ["real/x.py"])


def test_target_that_finds_no_room_even_in_parts_is_refused(repo: Path) -> None:
    commit_all(repo, {"long.py": "x = 1\n" * 2_000}, "A long file")

    check_targets(repo, "HEAD", ["real/x.py"], 100)
    check_targets(repo, "HEAD", ["long.py"], 8_000)
    with pytest.raises(UsageError, match="finds no room in a prompt, not even parts of it"):
        check_targets(repo, "HEAD", ["long.py"], 3_000)
