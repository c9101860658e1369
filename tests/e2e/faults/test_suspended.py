"""A process that is stopped for longer than the server waits goes on, and pays nothing twice."""

import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
from forge_core.temporal_client.connect import load_connect_config
from support.forge import run_forge, running_forge
from support.forked import DEADLINE_S
from support.live import (
    ON_WIRE,
    Gate,
    Held,
    end_gently,
    list_units,
    read_calls,
    read_run,
    run_options,
)
from support.llm_server import LLMServer
from support.repository import make_repository
from support.suspended import IMPATIENT, embedded, suspended, wait_for_attempt
from support.temporal_server import killable_server
from support.waiting import wait_until

shared = pytest.mark.usefixtures("shared_server")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"README.md": "# a repository\n"})


def assert_paid_once(server: LLMServer, *, attempt: int = 1) -> None:
    units = list_units(server.exchanges)
    assert sorted(units) == sorted({*units}), units
    rows = [(call.status, call.activity_attempt) for call in read_calls()]
    assert rows == [("ok", attempt)] * 5


@shared
def test_answer_that_came_while_the_run_was_stopped_is_its(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held("first")
    with LLMServer(held) as server:
        server.configure(monkeypatch)
        with running_forge(*run_options(repo, *ON_WIRE), seams=IMPATIENT) as process:
            server.wait_for_requests(2)
            workflow_id = read_run().workflow_id
            with suspended(process.pid):
                wait_for_attempt(embedded(), workflow_id, 2, running=False)
                held.let_go()
                wait_until(lambda: server.exchanges[1].body, "the answer")
            printed = process.communicate(DEADLINE_S)

        assert process.returncode == 0, printed
        assert_paid_once(server)


@shared
def test_next_attempt_joins_the_request_that_is_under_way(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held("first")
    with LLMServer(held) as server:
        server.configure(monkeypatch)
        with running_forge(*run_options(repo, *ON_WIRE), seams=IMPATIENT) as process:
            server.wait_for_requests(2)
            workflow_id = read_run().workflow_id
            for attempt in (2, 3):
                with suspended(process.pid):
                    wait_for_attempt(embedded(), workflow_id, attempt, running=False)
                wait_for_attempt(embedded(), workflow_id, attempt, running=True)
            held.let_go()
            printed = process.communicate(DEADLINE_S)

        assert process.returncode == 0, printed
        assert_paid_once(server)


@shared
def test_cancelled_run_ends_the_request_that_two_attempts_shared(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held("first")
    with LLMServer(held) as server:
        server.configure(monkeypatch)
        with running_forge(*run_options(repo, *ON_WIRE), seams=IMPATIENT) as process:
            server.wait_for_requests(2)
            workflow_id = read_run().workflow_id
            with suspended(process.pid):
                wait_for_attempt(embedded(), workflow_id, 2, running=False)
            wait_for_attempt(embedded(), workflow_id, 2, running=True)
            cancelled = run_forge("cancel", workflow_id)
            assert cancelled.code == 0, cancelled.stderr
            assert server.exchanges[1].disconnected.wait(10.0)
            process.communicate(DEADLINE_S)

        assert list_units(server.exchanges) == ["plan", "first"]


@pytest.mark.parametrize("asleep", ["worker", "worker and server"])
def test_worker_that_was_stopped_goes_on_and_pays_once(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asleep: str
) -> None:
    held = Held("first")
    with LLMServer(held) as model, killable_server(tmp_path) as server, ExitStack() as stack:
        model.configure(monkeypatch)
        address = ("--temporal-address", server.endpoints.grpc)
        worker = stack.enter_context(running_forge("worker", *address, seams=IMPATIENT))
        assert worker.stdout.readline().startswith("worker ready")
        process = stack.enter_context(running_forge(*run_options(repo, *ON_WIRE), *address))
        model.wait_for_requests(2)
        config = load_connect_config(server.endpoints.grpc, {})
        assert config is not None
        workflow_id = read_run().workflow_id
        with suspended(worker.pid):
            if asleep == "worker":
                wait_for_attempt(config, workflow_id, 2, running=False)
            else:
                with suspended(server.pid):
                    held.let_go()
                    wait_until(lambda: model.exchanges[1].body, "the answer")
                wait_for_attempt(config, workflow_id, 2, running=False)
        held.let_go()
        printed = process.communicate(DEADLINE_S)
        end_gently(worker, signal.SIGTERM)

        assert process.returncode == 0, printed
        assert_paid_once(model)


@shared
def test_run_that_is_stopped_between_its_steps_goes_on(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(tmp_path)
    with LLMServer(Held()) as server:
        server.configure(monkeypatch)
        options = (*ON_WIRE, *gate.tests)
        with running_forge(*run_options(repo, *options), seams=IMPATIENT) as process:
            gate.wait()
            workflow_id = read_run().workflow_id
            with suspended(process.pid):
                wait_for_attempt(embedded(), workflow_id, 2, running=False)
            gate.let_go()
            printed = process.communicate(DEADLINE_S)

        assert process.returncode == 0, printed
        assert_paid_once(server)
