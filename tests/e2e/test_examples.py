"""The examples do what they say, and leave nothing behind."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/follow_a_run.py"
GUIDE = ROOT / "docs/how-to/run-from-your-own-program.md"
DEADLINE_S = 120.0


@pytest.mark.usefixtures("shared_server")
def test_example_follows_a_run_and_removes_what_it_made(private_environment: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-P", str(EXAMPLE)],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )

    assert (done.returncode, done.stderr) == (0, "")
    lines = [line for line in done.stdout.splitlines() if not line.startswith("waits for")]
    assert lines[0].startswith("ServerConnected(")
    assert re.fullmatch(r"SubmissionStarted\(workflow_id='forge-hello-[0-9a-f]{8}'\)", lines[1])
    assert re.fullmatch(r"started hello as forge-hello-[0-9a-f]{8}", lines[2])
    assert lines[3:] == ["success: hello.py"]
    assert list((private_environment / "tmp").iterdir()) == []


def test_guide_shows_the_example_as_it_is() -> None:
    [block] = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.M | re.S)

    assert block in EXAMPLE.read_text()
