"""The README's pictures show what a run shows now."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "record_pictures.py"


@pytest.mark.usefixtures("shared_server")
def test_recorded_pictures_are_what_a_run_shows_now() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
