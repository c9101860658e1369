"""The README shows what the demonstration prints."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "record_session.py"


@pytest.mark.usefixtures("shared_server")
def test_recorded_session_is_what_the_demonstration_prints_now() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
