"""Files that are true as long as their holder lives."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from forge_core.embedded_server.leases import list_leases, noted_lease
from forge_core.locks.held_file import Held, held_file, read_held
from forge_core.state_dir.files import StateFiles

HOLD = """
import sys
from pathlib import Path
from forge_core.locks.held_file import held_file

with held_file(Path(sys.argv[1]), "the holder"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds `file`."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "file")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_held_file_says_who_holds_it_and_is_gone_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with held_file(path, "me"):
        assert read_held(path) == "me"
        assert path.stat().st_mode & 0o777 == 0o600

    assert [file for file in tmp_path.iterdir() if file.is_file()] == []


def test_a_file_that_another_process_holds_is_refused_with_its_text(
    tmp_path: Path, holder: "subprocess.Popen[str]"
) -> None:
    with pytest.raises(Held, match="the holder"), held_file(tmp_path / "file", "me"):
        pass

    assert read_held(tmp_path / "file") == "the holder"
    holder.communicate()


def test_a_file_of_a_killed_holder_is_taken_over(
    tmp_path: Path, holder: "subprocess.Popen[str]"
) -> None:
    holder.kill()
    holder.communicate()

    assert (tmp_path / "file").exists()
    assert read_held(tmp_path / "file") is None
    with held_file(tmp_path / "file", "me"):
        assert read_held(tmp_path / "file") == "me"


def test_notes_of_killed_holders_are_not_listed_and_swept(tmp_path: Path) -> None:
    files = StateFiles(tmp_path)
    files.holders.mkdir()
    (files.holders / "1234-dead").write_text("run forge-dead")
    with noted_lease(files, "run forge-x"):
        found = [lease.purpose for lease in list_leases(files)]

    assert found == ["run forge-x"]
    assert list(files.holders.iterdir()) == []
