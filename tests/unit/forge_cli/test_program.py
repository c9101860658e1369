"""Hints name the program as it was started, so that their commands can be copied."""

from pathlib import Path

import pytest
from forge_cli import program
from forge_cli.commands import ALIASES, COMMANDS
from forge_cli.program import HINT, as_started, find_program

HATCH = "HATCH_ENV_ACTIVE"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "env" / "bin" / "forge"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o700)
    return path


def test_installed_script_is_called_by_its_name(script: Path) -> None:
    assert find_program(str(script), {"PATH": f"/nowhere:{script.parent}"}) == "forge"


def test_script_of_an_environment_that_hatch_runs_is_run_by_hatch(script: Path) -> None:
    environ = {"PATH": f"{script.parent}:/nowhere", HATCH: "default"}

    assert find_program(str(script), environ) == "hatch run forge"


def test_script_beside_the_environment_of_hatch_is_called_by_its_name(
    script: Path, tmp_path: Path
) -> None:
    (tmp_path / "forge").symlink_to(script)
    environ = {"PATH": f"{script.parent}:{tmp_path}", HATCH: "default"}

    assert find_program(str(script), environ) == "forge"


def test_script_that_no_shell_finds_is_called_by_its_path(script: Path) -> None:
    assert find_program(str(script), {"PATH": "/nowhere"}) == str(script)


def test_module_is_run_by_python() -> None:
    assert find_program("/site/forge_cli/__main__.py", {}) == "python -m forge_cli"


def test_program_that_uses_this_one_says_nothing() -> None:
    assert find_program("/usr/bin/pytest", {HATCH: "default"}) == "forge"


def test_only_commands_are_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "_get_program", lambda: "hatch run forge")

    said = as_started("forge resume w, newer than this forge knows, /x/forge run, `forge db check`")

    assert said == (
        "hatch run forge resume w, newer than this forge knows, /x/forge run, "
        "`hatch run forge db check`"
    )


def test_hint_of_every_command_is_known() -> None:
    assert [
        name for name in {*COMMANDS, *ALIASES.values()} if not HINT.match(f"forge {name}")
    ] == []
