"""Runs on a configured Temporal server, executed by ``forge worker``."""

import asyncio
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from forge_cli.app import call
from forge_cli.exit_codes import ExitCode
from forge_core.temporal_client.inspector import RunInspector
from forge_core.worker.worker import SHARED_QUEUE
from forge_obs import get_run, open_reader
from support.forge import run_forge, running_forge
from support.forked import DEADLINE_S, ForgeProcess
from support.live import Gate, end_gently, run_options
from support.llm_server import LLMServer, tool
from support.script import answer, write_script
from support.temporal_server import killable_server, running_server
from support.waiting import wait_until
from temporalio.client import Client


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with running_server(tmp_path) as found:
        yield found


@contextmanager
def running_worker(address: str, ignored: Sequence[int] = ()) -> Iterator[ForgeProcess]:
    """Run ``forge worker`` until the block ends; it says when it is ready."""
    with running_forge("worker", "--temporal-address", address, ignored=ignored) as worker:
        assert worker.stdout.readline().startswith("worker ready: task queues forge and forge@")
        yield worker
        worker.send_signal(signal.SIGTERM)
        worker.wait(DEADLINE_S)


def running_run(address: str, repo: Path, *more: str) -> AbstractContextManager[ForgeProcess]:
    """Run ``forge run`` beside the test; it is killed if it has not ended with the block."""
    words = ("run", "Say hello.", "--repo", str(repo), "--model", "openai-chat:writer-1", "--json")
    return running_forge(*words, "--temporal-address", address, *more)


def has_succeeded(workflow_id: str) -> bool:
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    run = get_run(engine, workflow_id) if engine else None
    return run is not None and run.status == "success"


def test_worker_executes_runs_within_a_budget_until_it_has_stopped(
    address: str,
    repo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
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
        stopped = run_forge(*common, "--task-id", "stopped", "--max-duration", "0.001s")
        resumed = run_forge(
            *("resume", stopped.document["workflow_id"], "--max-duration", "1h", "--json"),
            *("--temporal-address", address),
        )
    monkeypatch.setattr("forge_core.runs.client.TAKEN_TIMEOUT_S", 0.5)
    late = call([*common, "--task-id", "late"])

    assert (waited.code, waited.document["status"]) == (0, "success")
    assert (submitted.code, submitted.document["status"]) == (0, "running")
    assert (stopped.code, stopped.document["status"]) == (1, "budget")
    assert (resumed.code, resumed.document["status"]) == (0, "success")
    assert worker.returncode == 0
    assert late == ExitCode.INFRASTRUCTURE
    assert "no worker took the run" in json.loads(capsys.readouterr().out)["error"]["message"]


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


async def list_submitted(address: str) -> list[str]:
    """List the runs that the server has and that have not ended."""
    client = await Client.connect(address)
    return [run.id async for run in client.list_workflows("ExecutionStatus = 'Running'")]


async def is_polled(address: str) -> bool:
    """Return whether the server knows of a worker."""
    return await RunInspector(await Client.connect(address)).has_workers(SHARED_QUEUE)


@pytest.mark.parametrize("more", [[], ["--no-wait"]], ids=["waited for", "not waited for"])
def test_interrupted_run_that_no_worker_has_taken_yet_is_named(
    address: str, repo: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with running_worker(address):
        known = asyncio.run(is_polled(address))  # and taken for living for a while
    with running_run(address, repo, *more) as run:
        wait_until(
            lambda: run.poll() is not None or asyncio.run(list_submitted(address)),
            "the run on the server",
        )
        run.send_signal(signal.SIGINT)
        stdout, stderr = run.communicate(timeout=DEADLINE_S)

    assert known
    assert run.returncode == 130, stderr
    [workflow_id] = asyncio.run(list_submitted(address))
    assert f"forge cancel {workflow_id}" in json.loads(stdout)["error"]["message"]


@pytest.mark.parametrize(
    ("words", "remark"),
    [
        pytest.param(["run", "x", "--model", "openai-chat:x"], "before the run", id="run"),
        pytest.param(["run", "x", "--model", "openai-chat:x", "--no-wait"], "before", id="no wait"),
        pytest.param(["resume", "forge-x"], "forge cancel forge-x", id="resume"),
    ],
)
def test_command_that_is_interrupted_while_it_connects_says_how_the_run_stands(
    repo: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], remark: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        command = running_forge(*words, "--temporal-address", address, cwd=repo)
        with command as process, silent.accept()[0]:
            _, stderr = end_gently(process, signal.SIGINT)

    assert process.returncode == 130
    assert remark in stderr.splitlines()[-1]


def test_worker_ends_with_its_terminal_and_leaves_ignored_what_was_ignored(address: str) -> None:
    with running_worker(address, ignored=[signal.SIGINT]) as worker:
        worker.send_signal(signal.SIGINT)
        stdout, _ = end_gently(worker, signal.SIGHUP)

    assert worker.returncode == 0
    assert stdout.endswith("worker stopping: running activities get 30 s\nworker stopped\n")


def test_worker_that_is_told_twice_ends_at_once(address: str, repo: Path, tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    options = run_options(repo, *gate.options, "--temporal-address", address)
    with running_worker(address) as worker, running_forge(*options):
        gate.wait()
        worker.send_signal(signal.SIGTERM)
        assert worker.stdout.readline().startswith("worker stopping")
        stdout, _ = end_gently(worker, signal.SIGTERM)
    gate.let_go()

    assert (worker.returncode, stdout) == (130, "")


def test_worker_without_a_configured_server_is_exit_2() -> None:
    outcome = run_forge("worker")

    assert outcome.code == 2
    assert "--temporal-address" in outcome.error


def test_run_waits_for_a_server_that_is_away_and_goes_on_when_it_is_back(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    with (
        LLMServer(lambda _: replace(tool(answer()), gate=gate)) as model,
        killable_server(tmp_path) as server,
    ):
        model.configure(monkeypatch)
        address = server.endpoints.grpc
        with running_worker(address), running_run(address, repo) as run:
            model.wait_for_requests(1)
            server.kill()
            noted = next(line for line in run.stderr if "is unreachable, waiting for it" in line)
            server.start()
            gate.set()
            stdout, _ = run.communicate(timeout=DEADLINE_S)

    assert noted.count("\n") == 1
    assert (run.returncode, json.loads(stdout)["status"]) == (0, "success")
    assert len(model.exchanges) == 1
