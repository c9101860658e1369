"""A cancelled run stops what it is doing, cleans up and says what it left."""

import asyncio
import json
import signal
from pathlib import Path

import pytest
from forge_core.embedded_server.start import read_record
from forge_core.state_dir.files import StateFiles
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config
from forge_core.temporal_client.executions import TERMINATION_REASON
from support.children import is_alive
from support.documents import validate
from support.forge import run_forge, running_forge
from support.live import (
    ANSWERS,
    ON_WIRE,
    Gate,
    Held,
    end_gently,
    kill,
    list_units,
    read_calls,
    read_run,
    run_options,
    slow_git,
)
from support.llm_server import LLMServer
from support.repository import git, make_repository
from support.script import write_script
from support.waiting import wait_until
from temporalio.client import Client

pytestmark = pytest.mark.usefixtures("shared_server")


def assert_clean(repo: Path) -> None:
    """Check that nothing of sub-tasks is left."""
    assert not (repo / ".forge-worktrees/.sub").exists()
    assert git(repo, "for-each-ref", "refs/forge") == ""


def test_cancel_closes_the_calls_of_all_sub_tasks_and_cleans_up(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LLMServer(Held("p", "q")) as server:
        server.configure(monkeypatch)
        with running_forge(*run_options(repo, *ON_WIRE)) as process:
            exchanges = server.wait_for_requests(4)
            workflow_id = read_run().workflow_id
            cancelled = run_forge("cancel", workflow_id)
            _, stderr = process.communicate()
        calls = [exchange for exchange in exchanges if exchange.prompts.tool != "plan"][1:]

        assert all(exchange.disconnected.wait(10) for exchange in calls)
        assert len(calls) == 2
    assert (cancelled.code, process.returncode) == (0, 1)
    assert cancelled.stdout.startswith(f"run {workflow_id}: cancelled\n  kept    branch forge/t")
    assert "was cancelled" in stderr
    assert read_run().status == "cancelled"
    assert git(repo, "log", "--format=%s", "main..forge/t").count("\n") == 0
    assert_clean(repo)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_cancel_of_an_interrupted_run_calls_no_model_and_cleans_up(
    number: signal.Signals, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LLMServer(Held("p", "q")) as server:
        server.configure(monkeypatch)
        with running_forge(*run_options(repo, *ON_WIRE)) as process:
            server.wait_for_requests(4)
            end_gently(process, number)
        assert (repo / ".forge-worktrees/.sub").exists()
        cancelled = run_forge("cancel", read_run().workflow_id)

        assert cancelled.code == 0, cancelled.stderr
        assert len(list_units(server.exchanges)) == len(read_calls()) == 4
    assert read_run().status == "cancelled"
    assert_clean(repo)


def test_cancel_ends_the_test_command_with_all_that_it_started(repo: Path, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    gate = Gate(tmp_path, f"sh -c 'echo $$ > {pid_file}; exec sleep 1000' &")
    with running_forge(*run_options(repo, *gate.options)) as process:
        gate.wait()
        wait_until(lambda: pid_file.exists() and pid_file.read_text(), "the grandchild")
        grandchild = int(pid_file.read_text())
        cancelled = run_forge("cancel", read_run().workflow_id, "--json")
        process.communicate()

    assert (cancelled.code, process.returncode) == (0, 1)
    validate("run_cancelled", cancelled.document)
    wait_until(lambda: not is_alive(grandchild), "the grandchild to end")


@pytest.mark.soak
def test_what_a_cancelled_run_left_can_be_removed(repo: Path, tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    with running_forge(*run_options(repo, *gate.options)) as process:
        gate.wait()
        end_gently(process, signal.SIGTERM)
    cancelled = run_forge("cancel", read_run().workflow_id)
    again = run_forge("cancel", read_run().workflow_id)
    removed = run_forge("clean", "t", "--repo", str(repo), "--force", "--yes")
    gate.let_go()

    assert f"remove  forge clean t --repo {repo}\n" in cancelled.stdout
    assert again.code == 2
    assert "has ended (cancelled)" in again.error
    assert removed.code == 0, removed.stderr
    assert run_forge(*run_options(repo, *gate.options)).code == 0


def test_cancel_during_git_keeps_the_model_from_being_called(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = write_script(tmp_path / "script.json", *ANSWERS)
    with (
        slow_git(tmp_path / "bin", monkeypatch) as slow,
        running_forge(*run_options(repo, "--model", model)) as process,
    ):
        slow.wait()
        with running_forge("cancel", read_run().workflow_id) as cancel:
            assert "waiting until it has cleaned up" in cancel.stderr.readline()
            slow.let_go()
            cancel.communicate()
        process.communicate()

    assert cancel.returncode == 0
    assert read_calls() == []


def test_cancel_that_is_stopped_at_once_prints_its_document(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = write_script(tmp_path / "script.json", *ANSWERS)
    with (
        slow_git(tmp_path / "bin", monkeypatch) as slow,
        running_forge(*run_options(repo, "--model", model)),
    ):
        slow.wait()
        with running_forge("cancel", read_run().workflow_id, "--json") as cancel:
            assert "waiting until it has cleaned up" in cancel.stderr.readline()
            # Both signals wait while it is stopped, so that it hears the second before it can end.
            for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM):
                cancel.send_signal(number)
            stdout, _ = end_gently(cancel, signal.SIGCONT)

    assert cancel.returncode == 130
    document = json.loads(stdout)
    validate("failure", document)
    assert document["error"]["type"] == "Interrupted"


def test_run_that_is_terminated_in_temporal_is_reported_as_ended(
    repo: Path, tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    with running_forge(*run_options(repo, *gate.options)) as process:
        gate.wait()
        workflow_id = read_run().workflow_id
        asyncio.run(terminate(workflow_id))
        _, stderr = process.communicate()

    assert process.returncode == 1
    assert "terminated in Temporal" in stderr
    assert read_run().status == "error"


@pytest.mark.soak
def test_interrupted_run_that_is_terminated_in_temporal_is_settled_by_the_next_command(
    repo: Path, tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    with running_forge(*run_options(repo, *gate.options)) as process:
        gate.wait()
        kill(process.pid)
    workflow_id = read_run().workflow_id
    asyncio.run(terminate(workflow_id))
    refused = run_forge("resume", workflow_id)

    assert refused.code == 2
    assert "has ended (terminated)" in refused.error
    assert read_run().status == "error"


async def list_open(workflow_id: str) -> list[str]:
    """List what of a run and its sub-tasks has not ended."""
    client = await connect_shared()
    query = f"WorkflowId STARTS_WITH '{workflow_id}' AND ExecutionStatus = 'Running'"
    return [found.id async for found in client.list_workflows(query)]


async def terminate(workflow_id: str) -> None:
    """End a run as Temporal's own web interface does."""
    client = await connect_shared()
    await client.get_workflow_handle(workflow_id).terminate("by hand")


async def connect_shared() -> Client:
    """Connect to the embedded server."""
    directory = get_state_dir()
    record = read_record(StateFiles(directory))
    assert record is not None
    return await connect(embedded_config(record.address, directory))


def test_run_whose_payloads_are_lost_is_named_by_resume_and_ended_by_cancel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make_repository(tmp_path / "long", {"long.md": "A line of a long file.\n" * 4_000})
    with LLMServer(Held("p", "q")) as server:
        server.configure(monkeypatch)
        options = run_options(repo, *ON_WIRE, "--context-file", "long.md")
        with running_forge(*options) as process:
            server.wait_for_requests(4)
            workflow_id = read_run().workflow_id
            kill(process.pid)
        for payload in (StateFiles(get_state_dir()).payloads / workflow_id).iterdir():
            payload.unlink()
        resumed = run_forge("resume", workflow_id)
        cancelled = run_forge("cancel", workflow_id)

    assert (resumed.code, cancelled.code) == (3, 0)
    assert f"run {workflow_id} cannot go on: payload " in resumed.error
    assert "is missing" in resumed.error
    assert "it is terminated in Temporal" in cancelled.stderr
    assert read_run().status == "cancelled"
    shown = run_forge("status", "--workflow-id", workflow_id).stdout
    assert TERMINATION_REASON in shown
    assert "step last not started" in shown
    wait_until(lambda: not asyncio.run(list_open(workflow_id)), "the sub-tasks to be ended")
