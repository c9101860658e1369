"""A clock that leaps by hours changes nothing of a run, nor of how it is shown."""

from pathlib import Path
from typing import Any

import pytest
from support.clock import CAN_BE_MADE, Clock
from support.forge import run_forge, running_forge
from support.live import ON_WIRE, Held, list_units, read_calls, read_run, run_options
from support.llm_server import LLMServer
from support.repository import make_repository
from support.waiting import wait_until

pytestmark = [
    pytest.mark.usefixtures("shared_server"),
    pytest.mark.skipif(not CAN_BE_MADE, reason="there is no C compiler"),
]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"README.md": "# a repository\n"})


@pytest.fixture(scope="module")
def wandering_clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    return Clock(tmp_path_factory.mktemp("clock"))


@pytest.fixture
def clock(wandering_clock: Clock) -> Clock:
    wandering_clock.put(0)
    return wandering_clock


def read_document(clock: Clock, *words: str) -> dict[str, Any]:
    outcome = run_forge(*words, env=clock.environment)
    assert outcome.code == 0, outcome.stderr
    return outcome.document


def show(clock: Clock, workflow_id: str) -> dict[str, Any]:
    run: dict[str, Any] = read_document(clock, "status", "--workflow-id", workflow_id, "--json")[
        "run"
    ]
    return run


def assert_no_time_is_negative(value: Any) -> None:
    if isinstance(value, dict):
        for name, part in value.items():
            if name.endswith(("_s", "_ms")) and isinstance(part, int | float):
                assert part >= 0, (name, part)
            assert_no_time_is_negative(part)
    elif isinstance(value, list):
        for part in value:
            assert_no_time_is_negative(part)


@pytest.mark.parametrize("hours", [-5, 5], ids=["back", "on"])
def test_run_whose_clock_leaps_is_running_and_ends(
    repo: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    held = Held("first")
    with LLMServer(held) as server:
        server.configure(monkeypatch)
        with running_forge(*run_options(repo, *ON_WIRE), env=clock.environment) as process:
            server.wait_for_requests(2)
            workflow_id = read_run().workflow_id
            clock.put(hours)
            wait_until(lambda: show(clock, workflow_id)["status"] == "running", "the run to run")
            held.let_go()
            printed = process.communicate()
        ended = read_document(clock, "status", "--workflow-id", workflow_id, "--json", "--verbose")

        assert process.returncode == 0, printed
        assert len(server.exchanges) == 5
    assert ended["run"]["status"] == "success"
    assert_no_time_is_negative(ended)


@pytest.mark.parametrize("hours", [-5, 5], ids=["back", "on"])
def test_run_that_is_resumed_by_another_clock_is_running(
    repo: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    held = Held("first")
    with LLMServer(held) as server:
        server.configure(monkeypatch)
        with running_forge(*run_options(repo, *ON_WIRE), env=clock.environment) as process:
            server.wait_for_requests(2)
            workflow_id = read_run().workflow_id
            process.kill()
            process.wait()
        clock.put(hours)
        between = show(clock, workflow_id)["status"]
        with running_forge("resume", workflow_id, env=clock.environment) as successor:
            server.wait_for_requests(3)
            during = show(clock, workflow_id)["status"]
            held.let_go()
            printed = successor.communicate()

        assert successor.returncode == 0, printed
        assert list_units(server.exchanges)[1:3] == ["first", "first"]
    assert (between, during) == ("interrupted", "running")
    assert [call.status for call in read_calls()].count("ok") == 5
