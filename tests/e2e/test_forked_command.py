"""What tests run by forking is what the command is that users start."""

import subprocess
import sys

import pytest
from support.forge import Outcome, run_forge

INSTALLED = "import sys; from forge_cli.__main__ import main; sys.argv[0] = 'forge'; main()"
"""What the script does that an installation puts on the user's path."""


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--help"], id="help"),
        pytest.param(["status", "--json"], id="document"),
        pytest.param(["run", "x", "--json"], id="failure"),
        pytest.param(["no-such-command"], id="usage"),
    ],
)
def test_forked_command_ends_and_prints_as_the_installed_one(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INSTALLED, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run_forge(*words) == Outcome(done.returncode, done.stdout, done.stderr)
