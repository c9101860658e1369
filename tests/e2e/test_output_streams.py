"""A command ends well wherever its output goes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from forge_obs import list_recent_runs, open_reader, record
from support.repository import make_repository
from support.script import answer, write_script
from support.waiting import wait_until

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


@pytest.mark.parametrize("command", ["status --workflow-id nope --json", "show abcd --json --nope"])
def test_error_document_that_cannot_be_written_is_one_line(command: str) -> None:
    words = ["bash", "-c", f"{FORGE} {command} > /dev/full"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)

    line = "error: cannot write the output: No space left on device\n"
    assert (done.returncode, done.stderr) == (3, line)


@pytest.mark.parametrize("columns", ["0", "2"])
def test_width_that_no_word_fits_into_is_as_good_as_none(columns: str) -> None:
    usual, narrow = (
        subprocess.run(
            [sys.executable, "-m", "forge_cli", "run", "--help"],
            env={**os.environ, "COLUMNS": width},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        for width in ("80", columns)
    )

    assert narrow.stdout == usual.stdout


@pytest.mark.usefixtures("shared_server")
@pytest.mark.parametrize("option", ["", "--json"])
def test_run_that_is_not_waited_for_is_named_where_the_output_cannot_be_written(
    option: str, tmp_path: Path
) -> None:
    repo = make_repository(tmp_path / "repo", {"README.md": "# a repository\n"})
    model = write_script(tmp_path / "s.json", {"answer": answer()})

    line = f"{FORGE} run x --repo {repo} --model {model} --no-wait {option} > /dev/full"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)

    wait_until(list_ended_runs, "the run")
    [run] = list_ended_runs()
    assert done.returncode == 3
    assert done.stderr.count("error: ") == 1
    assert f"No space left on device; run {run} continues: " in done.stderr


def list_ended_runs() -> list[str]:
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    return [run.workflow_id for run in list_recent_runs(engine) if run.finished_at]
