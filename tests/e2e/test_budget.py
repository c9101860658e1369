"""A run that has used up its budget waits without a process, and goes on with a new limit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from forge_core.embedded_server.start import read_record
from forge_core.state_dir.files import StateFiles
from forge_core.state_dir.locate import get_state_dir
from support.children import is_alive
from support.documents import validate
from support.forge import Outcome, run_forge
from support.live import follow_plan, kill, list_units, read_run, run_options
from support.llm_server import Exchange, LLMServer, Reply
from support.llm_wires import Usage
from support.repository import git
from support.waiting import wait_until

PRICED = ("--model", "openai-chat:gpt-4o")
"""A thousand tokens of input cost 0.0025 dollars, a thousand of output 0.01."""

USAGE = Usage(input_tokens=4000, output_tokens=1000)
"""Two cents a request."""


def costly(exchange: Exchange) -> Reply:
    reply = follow_plan(exchange)
    assert reply.content is not None
    return Reply(content=reply.content, usage=USAGE)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[LLMServer]:
    """A model server that the commands of the test ask."""
    with LLMServer(costly) as server:
        server.configure(monkeypatch)
        yield server


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that is this test's own, so that it may be killed; it ends with the test."""
    monkeypatch.setenv("FORGE_SERVER_IDLE_S", "60")
    yield
    assert run_forge("server", "stop").code == 0


def show(workflow_id: str) -> Outcome:
    return run_forge("status", "--workflow-id", workflow_id)


@pytest.mark.usefixtures("own_server")
def test_stopped_run_outlives_its_server_and_pays_for_nothing_twice(
    repo: Path, model: LLMServer
) -> None:
    stopped = run_forge(*run_options(repo, *PRICED, "--max-cost", "0.045"))
    run = read_run()
    name = run.workflow_id
    shown, listed = show(name), run_forge("status")
    document = run_forge("status", "--workflow-id", name, "--json").document
    cleaned = run_forge("clean", "t", "--yes", "--repo", str(repo))
    again, too_little = run_forge("resume", name), run_forge("resume", name, "--max-cost", "0.08")
    server = read_record(StateFiles(get_state_dir()))
    assert server is not None
    for pid in (server.pid, server.server_pid):
        kill(pid)
    wait_until(lambda: not is_alive(server.server_pid), "the server to end")
    asked = list_units(model.exchanges)
    resumed = run_forge("resume", name, "--max-cost", "5", "--json")

    assert (stopped.code, run.status, run.finished_at) == (1, "budget", None)
    assert f"run {name}: stopped at its budget" in stopped.stdout
    assert "budget  $0.0800 of $0.0450" in stopped.stdout
    assert "stopped by --max-cost" in stopped.stdout
    assert "done    2 of 3 steps" in stopped.stdout
    assert f"forge resume {name} --max-cost 0.16" in stopped.stdout
    assert f"forge cancel {name}" in stopped.stdout
    assert "forge clean" not in stopped.stdout
    assert "budget    $0.0800 of $0.0450" in shown.stdout
    assert "budget: forge resume ID with a new limit" in listed.stdout
    validate("run_status", document)
    assert document["run"]["budget"]["stopped_by"] == "max_cost_usd"
    assert document["run"]["budget"]["spent_usd"] == document["run"]["cost"]["usd"] == 0.08
    assert document["run"]["resume"] == f"forge resume {name} --max-cost 0.16"
    assert "its run can be resumed" in cleaned.stdout + cleaned.stderr
    assert (again.code, too_little.code) == (1, 2)
    assert "done    2 of 3 steps" in again.stdout
    assert "it has spent $0.0800 of $0.0450" in too_little.error
    assert sorted(asked) == sorted(["plan", "first", "p", "q"])
    assert resumed.code == 0, resumed.stderr
    validate("run_outcome", resumed.document)
    assert resumed.document["result"]["spent"]["cost_usd"] == 0.1
    assert list_units(model.exchanges).count("last") == 1
    assert len(model.exchanges) == 5
    assert len(git(repo, "log", "--format=%s", "main..forge/t").splitlines()) == 3


@pytest.mark.usefixtures("shared_server")
def test_run_in_the_background_stops_and_is_cancelled(repo: Path, model: LLMServer) -> None:
    begun = run_forge(*run_options(repo, *PRICED, "--max-total-tokens", "5", "--no-wait", "--json"))
    name = begun.document["workflow_id"]
    wait_until(lambda: read_run().status == "budget", "the run to stop")
    stopped = run_forge("resume", name, "--json")
    cancelled = run_forge("cancel", name)
    resumed = run_forge("resume", name, "--max-total-tokens", "500000")

    assert (begun.code, begun.document["status"], model.exchanges) == (0, "running", [])
    assert (stopped.code, stopped.document["status"]) == (1, "budget")
    assert stopped.document["result"]["budget_stop"]["limit"] == "max_total_tokens"
    assert (cancelled.code, resumed.code) == (0, 2)
    assert read_run().status == "cancelled"
