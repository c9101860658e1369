"""``forge status --follow`` tells what changes, and ends when the run does or its user wants."""

import os
import signal
import sqlite3
import subprocess
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from forge_cli.actions.look.follow import INTERVAL_S
from support.forge import run_forge, running_forge
from support.forked import DEADLINE_S, ForgeProcess
from support.records import PLAN, STEP, WORKFLOW_ID, record_call, record_run


def following(*args: str) -> AbstractContextManager[ForgeProcess]:
    return running_forge("status", "--follow", *args)


def read_line(process: ForgeProcess) -> str:
    moment, _, line = process.stdout.readline().partition(" ")
    assert moment.endswith("Z"), moment + line
    return line.rstrip("\n")


def test_run_is_followed_to_its_end_and_then_shown() -> None:
    record_run(status="running", finished_at=None, result={"plan": PLAN}, repo_root="/repo")

    with following("--workflow-id", WORKFLOW_ID) as process:
        assert read_line(process) == f"run {WORKFLOW_ID}: running, on /repo"
        record_call(status="error", error_type="rate_limited", error="slow down")
        failed = "step 1/1 a, attempt 1: a request failed: rate_limited: slow down"
        assert read_line(process) == failed
        record_run(result={"plan": PLAN, "step_results": [STEP]})
        stdout, stderr = process.communicate(timeout=DEADLINE_S)

    assert "step 1/1 a: success, commit 0123456789ab" in stdout
    assert "status    success" in stdout
    assert (process.returncode, stderr) == (0, "")


def test_run_is_followed_until_its_user_ends_it() -> None:
    record_run(status="running", finished_at=None, result={"plan": PLAN}, repo_root="/repo")

    with following("--workflow-id", WORKFLOW_ID) as process:
        read_line(process)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=DEADLINE_S)

    assert (process.returncode, stdout, stderr) == (0, "", "")


def test_run_that_is_followed_is_then_shown_as_asked_for() -> None:
    record_run()
    record_call(role="planner", user_prompt="Plan it well.")
    record_call(user_prompt="Write the file.")

    outcome = run_forge(
        *("status", "--follow", "--verbose", "--role", "planner", "--workflow-id", WORKFLOW_ID)
    )

    assert outcome.code == 0
    assert "Plan it well." in outcome.stdout
    assert "Write the file." not in outcome.stdout


def test_store_that_cannot_be_read_for_a_while_does_not_end_the_following() -> None:
    record_run(status="running", finished_at=None, result={"plan": PLAN}, repo_root="/repo")

    with following("--workflow-id", WORKFLOW_ID) as process:
        read_line(process)
        before = set_revision("9" * 12)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=2 * INTERVAL_S)
        set_revision(before)
        record_run(result={"plan": PLAN, "step_results": [STEP]})
        stdout, _ = process.communicate(timeout=DEADLINE_S)

    assert "status    success" in stdout
    assert process.returncode == 0


def set_revision(revision: str) -> str:
    """Let the store be of another revision, and give the one before."""
    with closing(sqlite3.connect(os.environ["FORGE_DB_PATH"])) as store, store:
        [(before,)] = store.execute("SELECT version_num FROM alembic_version")
        store.execute("UPDATE alembic_version SET version_num = ?", [revision])
    return str(before)


def test_list_is_followed_until_its_user_ends_it() -> None:
    record_run("forge-first-01")

    with following() as process:
        assert read_line(process) == "run forge-first-01: success, 1/1 steps"
        record_run("forge-second-02", status="error", result={})
        assert read_line(process) == "run forge-second-02: failed"
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=DEADLINE_S)

    assert (process.returncode, stderr) == (0, "")


def test_list_of_a_store_that_cannot_be_read_is_not_waited_for() -> None:
    Path(os.environ["FORGE_DB_PATH"]).write_bytes(b"no database" * 100)

    with following() as process:
        stdout, stderr = process.communicate(timeout=DEADLINE_S)

    assert (process.returncode, stdout) == (3, "")
    assert "SQLITE_NOTADB" in stderr


def test_unknown_run_is_not_waited_for() -> None:
    record_run()

    outcome = run_forge("status", "--follow", "--workflow-id", "forge-nobody-00")

    assert outcome.code == 1
    assert "is on record" in outcome.error


def test_following_prints_no_document() -> None:
    assert run_forge("status", "--follow", "--json").code == 2
