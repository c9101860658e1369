"""Runs on a configured Temporal server, executed by ``forge worker``."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from forge_obs import get_run, open_reader
from support.forge import DEADLINE_S, run_forge
from support.repository import make_repository
from support.script import answer, write_script
from support.temporal_server import running_server
from support.waiting import wait_until


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with running_server(tmp_path) as found:
        yield found


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"README.md": "# a repository\n"})


@contextmanager
def running_worker(address: str) -> Iterator["subprocess.Popen[str]"]:
    """Run ``forge worker`` until the block ends; it says when it is ready."""
    command = [sys.executable, "-u", "-m", "forge_cli", "worker", "--temporal-address", address]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline().startswith("worker ready: task queues forge and forge@")
        yield worker
    finally:
        worker.send_signal(signal.SIGTERM)
        try:
            worker.communicate(timeout=DEADLINE_S)
        finally:
            worker.kill()


def has_succeeded(workflow_id: str) -> bool:
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    run = get_run(engine, workflow_id) if engine else None
    return run is not None and run.status == "success"


def test_worker_executes_runs_that_are_waited_for_and_that_are_not(
    address: str, repo: Path, tmp_path: Path
) -> None:
    model = write_script(tmp_path / "s.json", {"answer": answer()})
    common = [
        "run", "Say hello.", "--repo", str(repo), "--model", model, "--json",
        "--temporal-address", address,
    ]  # fmt: skip

    with running_worker(address) as worker:
        waited = run_forge(*common, "--task-id", "waited")
        submitted = run_forge(*common, "--task-id", "submitted", "--no-wait")
        workflow_id = submitted.document["workflow_id"]
        wait_until(lambda: has_succeeded(workflow_id), "the submitted run")

    assert (waited.code, waited.document["status"]) == (0, "success")
    assert (submitted.code, submitted.document["status"]) == (0, "running")
    assert worker.returncode == 0


def test_run_without_a_worker_says_so_and_is_exit_3(
    address: str, repo: Path, tmp_path: Path
) -> None:
    model = write_script(tmp_path / "s.json", {"answer": answer()})

    outcome = run_forge(
        "run", "x", "--repo", str(repo), "--model", model, "--temporal-address", address
    )

    assert outcome.code == 3
    assert "no worker polls" in outcome.error
    assert "forge worker" in outcome.error


def test_worker_without_a_configured_server_is_exit_2() -> None:
    outcome = run_forge("worker")

    assert outcome.code == 2
    assert "--temporal-address" in outcome.error
