"""``forge status --follow`` tells what changes, and ends when the run does or its user wants."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from support.forge import DEADLINE_S, run_forge
from support.records import PLAN, STEP, WORKFLOW_ID, record_call, record_run


@contextmanager
def following(*args: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "forge_cli", "status", "--follow", *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    moment, _, line = process.stdout.readline().partition(" ")
    assert moment.endswith("Z"), moment + line
    return line.rstrip("\n")


def test_run_is_followed_to_its_end_and_then_shown() -> None:
    record_run(status="running", finished_at=None, result={"plan": PLAN}, repo_root="/repo")

    with following("--workflow-id", WORKFLOW_ID) as process:
        assert read_line(process) == f"run {WORKFLOW_ID}: running, on /repo"
        record_call(status="error", error_type="rate_limited", error="slow down")
        assert read_line(process) == "step a, attempt 1: a request failed: rate_limited: slow down"
        record_run(result={"plan": PLAN, "step_results": [STEP]})
        stdout, stderr = process.communicate(timeout=DEADLINE_S)

    assert "step 1/1 a: success, commit 0123456789ab" in stdout
    assert "status    success" in stdout
    assert (process.returncode, stderr) == (0, "")


def test_list_is_followed_until_its_user_ends_it() -> None:
    record_run("forge-first-01")

    with following() as process:
        assert read_line(process) == "run forge-first-01: success, 1/1 steps"
        record_run("forge-second-02", status="error", result={})
        assert read_line(process) == "run forge-second-02: error"
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=DEADLINE_S)

    assert (process.returncode, stderr) == (0, "")


def test_unknown_run_is_not_waited_for() -> None:
    record_run()

    outcome = run_forge("status", "--follow", "--workflow-id", "forge-nobody-00")

    assert outcome.code == 1
    assert "is on record" in outcome.error


def test_following_prints_no_document() -> None:
    assert run_forge("status", "--follow", "--json").code == 2
