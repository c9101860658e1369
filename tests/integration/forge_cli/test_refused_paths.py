"""What the system lets nobody use is told in one plain line."""

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from forge_cli.app import call
from forge_obs import StoreUnavailable, open_reader
from support.children import NOBODY, run_in_child
from support.forge import Forge
from support.repository import make_repository


@pytest.fixture
def open_place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a directory that every user reaches, with what the environment points to."""
    place = Path(tempfile.mkdtemp(prefix="forge-refused-"))
    place.chmod(0o755)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(place))
    yield place
    shutil.rmtree(place)


def closed(place: Path) -> Path:
    """Let nobody but root enter a directory."""
    place.chmod(0)
    return place


def tells_as_nobody(line: str, *args: str) -> bool:
    """Tell whether a command of a user without rights fails with exit code 3 and a line."""

    def act() -> bool:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as stderr:
            code = call(list(args))
        print(stderr.getvalue(), file=sys.__stderr__)
        return (code, stderr.getvalue()) == (3, line)

    return run_in_child(act, uid=NOBODY if os.geteuid() == 0 else None)


@pytest.fixture
def gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a directory that was removed."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()


@pytest.mark.usefixtures("gone")
@pytest.mark.parametrize("command", ["run x", "clean", "config", "config --json"])
def test_removed_current_directory_is_told(command: str, forge: Forge) -> None:
    outcome = forge(*command.split())

    assert outcome.code == 3
    assert outcome.error == "error: the current directory no longer exists"


@pytest.mark.usefixtures("gone")
def test_doctor_goes_on_without_the_current_directory(forge: Forge) -> None:
    outcome = forge("doctor")

    assert outcome.code == 1
    assert "fail  repository     the current directory no longer exists" in outcome.stdout


@pytest.mark.parametrize(
    ("command", "entry"), [("run x", "/.git"), ("config", "/.git"), ("clean", "")]
)
def test_repository_that_may_not_be_entered_is_named(
    command: str, entry: str, open_place: Path
) -> None:
    repo = closed(make_repository(open_place / "repo", {"a.py": ""}))

    line = f"error: cannot use {repo}{entry}: Permission denied\n"

    assert tells_as_nobody(line, *command.split(), "--repo", str(repo))


@pytest.mark.parametrize("command", ["status", "status --workflow-id w", "show abcd"])
def test_state_that_may_not_be_entered_is_a_store_that_cannot_be_read(
    command: str, open_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (open_place / "state").mkdir()
    database = closed(open_place / "state") / "forge.db"
    monkeypatch.setenv("FORGE_DB_PATH", str(database))

    advice = "check the path, its permissions and the free space"
    line = f"error: database {database}: Permission denied; {advice}\n"

    assert tells_as_nobody(line, *command.split())


def test_store_whose_name_is_too_long_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="File name too long"):
        open_reader(tmp_path / ("x" * 300))


def test_doctor_reports_a_state_directory_whose_name_is_too_long(
    tmp_path: Path, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / ("x" * 300)
    monkeypatch.setenv("XDG_STATE_HOME", str(state))

    outcome = forge("doctor", "--repo", str(tmp_path))

    assert outcome.code == 1
    assert f"fail  state          cannot use {state}/forge: File name too long" in outcome.stdout


@pytest.mark.usefixtures("gone")
def test_refused_place_shows_where_if_that_is_asked_for(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_DEBUG", "1")

    assert "Traceback" in forge("clean").stderr
