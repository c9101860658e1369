"""A request to stop ends a command with one line and the exit code of an interruption."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.interrupting import interrupted_at


@pytest.mark.parametrize(
    "module",
    [
        pytest.param("forge_cli.app", id="at the start"),
        pytest.param("cyclopts.core", id="while libraries are imported"),
        pytest.param("forge_cli.commands.look.status", id="while the command is found"),
        pytest.param("forge_cli.store.queries", id="while the command is imported"),
        pytest.param("forge_cli.render.json_documents", id="in the command"),
    ],
)
def test_interruption_is_one_line_whenever_it_comes(module: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "forge_cli", "status", "--json"],
        env={**os.environ, **interrupted_at(module, tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (130, "error: interrupted\n")
    assert json.loads(done.stdout)["error"] == {"type": "Interrupted", "message": "interrupted"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(["run", "x"], (130, "error: interrupted\n"), id="run"),
        pytest.param(["-v", "resume", "w"], (130, "error: interrupted\n"), id="resume"),
        pytest.param(["cancel", "w"], (130, "error: interrupted\n"), id="cancel"),
        pytest.param(["worker"], (0, ""), id="worker"),
    ],
)
@pytest.mark.parametrize("module", ["forge_cli.app", "cyclopts.core", "temporalio.client"])
def test_command_that_has_not_begun_is_stopped_by_every_signal(
    words: list[str],
    expected: tuple[int, str],
    module: str,
    number: signal.Signals,
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "forge_cli", *words],
        env={**os.environ, **interrupted_at(module, tmp_path / "site", number)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == expected
