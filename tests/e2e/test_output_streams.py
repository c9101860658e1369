"""A command ends well wherever its output goes."""

import subprocess
import sys

import pytest
from forge_obs import record

STATUS = f"{sys.executable} -m forge_cli status"


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
    redirection: str, code: int, error: str
) -> None:
    record("run", task_id="t", workflow_id="w", status="success")

    done = subprocess.run(
        ["bash", "-c", f"{STATUS} {redirection}"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (code, error)
