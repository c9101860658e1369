"""Private files appear whole, belong to their owner alone and leave nothing behind."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from forge_core.files.private import create_private, make_private, open_private, replace_private


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def get_mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_missing_parents_are_private_too(tmp_path: Path) -> None:
    made = [tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "c"]

    make_private(made[-1])

    assert {get_mode(path) for path in made} == {0o700}


def test_a_directory_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    make_private(tmp_path)

    assert get_mode(tmp_path) == 0o755


def test_a_created_file_is_private_and_alone_in_its_directory(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key"

    create_private(path, "text")

    assert path.read_text() == "text"
    assert get_mode(path) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_an_existing_file_is_not_created_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key"
    create_private(path, "first")

    with pytest.raises(FileExistsError):
        create_private(path, "second")

    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def test_a_replaced_file_is_another_file_and_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "payload"
    path.parent.mkdir()
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        replace_private(path, b"new")

        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert get_mode(path) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_file_to_append_to_is_private(tmp_path: Path) -> None:
    with open_private(tmp_path / "log") as file:
        file.write("line\n")

    assert get_mode(tmp_path / "log") == 0o600
