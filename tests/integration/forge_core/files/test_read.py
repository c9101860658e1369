"""What a prompt shows of a worktree: whole text files inside it, or a reason why not."""

import os
from pathlib import Path

import pytest
from forge_core.errors import UnreadableFile
from forge_core.files.read import read_text
from support.repository import make_repository, put_files

FILES: dict[str, str | bytes] = {
    "a.txt": "a\n",
    "crlf.txt": b"x\r\ny\r\n",
    "src/ü.py": "ü = 1\n",
    "binary.bin": b"a\0b",
    "latin.txt": b"\xe9",
    "empty.txt": "",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", FILES)


@pytest.mark.parametrize(
    ("path", "text"),
    [("a.txt", "a\n"), ("crlf.txt", "x\r\ny\r\n"), ("src/ü.py", "ü = 1\n"), ("empty.txt", "")],
)
def test_text_is_read_character_for_character(root: Path, path: str, text: str) -> None:
    assert read_text(root, path) == text


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing.txt", "does not exist yet"),
        ("missing/too.txt", "does not exist yet"),
        ("binary.bin", "is a binary file"),
        ("latin.txt", "is not UTF-8 text"),
        ("src", "not a file inside the repository"),
        ("a.txt/x", "not a file inside the repository"),
        ("../outside.txt", "not a file inside the repository"),
        ("/etc/passwd", "not a file inside the repository"),
        (".git/config", "not a file inside the repository"),
        ("file link", "not a file inside the repository"),
        ("directory link/outside.txt", "not a file inside the repository"),
        ("dangling link", "not a file inside the repository"),
        ("pipe", "not a file inside the repository"),
    ],
)
def test_file_that_cannot_be_shown_says_why(root: Path, path: str, reason: str) -> None:
    put_files(root.parent, {"outside.txt": "secret"})
    (root / "file link").symlink_to(root.parent / "outside.txt")
    (root / "directory link").symlink_to(root.parent)
    (root / "dangling link").symlink_to("nowhere")
    os.mkfifo(root / "pipe")

    with pytest.raises(UnreadableFile, match=reason):
        read_text(root, path)


def test_file_up_to_the_limit_is_read_and_a_larger_one_is_not(root: Path) -> None:
    put_files(root, {"large.txt": "x" * 100})

    assert read_text(root, "large.txt", limit_bytes=100) == "x" * 100
    with pytest.raises(UnreadableFile, match="too large to be shown"):
        read_text(root, "large.txt", limit_bytes=99)
