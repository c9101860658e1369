"""Files of git lfs that a checkout has the pointers of."""

from pathlib import Path

from forge_core.git.lfs import POINTER, list_pointers
from support.repository import make_repository

ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n"


def test_pointers_are_listed_and_neither_contents_nor_other_files(tmp_path: Path) -> None:
    pointer = POINTER + b"v1\noid sha256:0\nsize 1\n"
    files = {"a.bin": pointer, "deep/b.bin": pointer, "full.bin": b"\x00\x01", "note.txt": pointer}
    repo = make_repository(tmp_path / "repo", {".gitattributes": ATTRIBUTES, **files})

    assert list_pointers(repo, 10) == ["a.bin", "deep/b.bin"]
    assert list_pointers(repo, 1) == ["a.bin"]


def test_file_that_the_checkout_lost_is_none(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo", {".gitattributes": ATTRIBUTES, "a.bin": POINTER})
    (repo / "a.bin").unlink()

    assert list_pointers(repo, 10) == []
