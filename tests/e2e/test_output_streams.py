"""A command ends well wherever its output goes."""

import subprocess
import sys

import pytest
from forge_obs import record

FORGE = f"{sys.executable} -m forge_cli"


@pytest.mark.parametrize("command", ["status", "--help", "run --help", "--version"])
@pytest.mark.parametrize(
    ("redirection", "code", "error"),
    [
        pytest.param("| true; exit ${PIPESTATUS[0]}", 0, "", id="reader gone"),
        pytest.param(">&-", 0, "", id="stdout closed"),
        pytest.param(
            "> /dev/full", 3, "error: cannot write the output: No space left on device\n", id="full"
        ),
    ],
)
def test_output_that_cannot_be_written_is_no_traceback(
    command: str, redirection: str, code: int, error: str
) -> None:
    record("run", task_id="t", workflow_id="w", status="success")

    line = f"{FORGE} {command} {redirection}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (code, error)
