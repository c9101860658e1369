"""A clock that leaps by hours changes nothing of a run, nor of how it is shown."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.clock import CAN_BE_MADE, Clock
from support.forked import DEADLINE_S
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


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


@contextmanager
def running(clock: Clock, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a command by a clock until the block ends."""
    with subprocess.Popen(
        build_command(words),
        env={**os.environ, **clock.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def build_command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "forge_cli", *words]


def read_document(clock: Clock, *words: str) -> dict[str, Any]:
    printed = subprocess.run(
        build_command(words),
        env={**os.environ, **clock.environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_S,
    )
    document: dict[str, Any] = json.loads(printed.stdout)
    return document


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
        with running(clock, *run_options(repo, *ON_WIRE)) as process:
            server.wait_for_requests(2)
            workflow_id = read_run().workflow_id
            clock.put(hours)
            wait_until(lambda: show(clock, workflow_id)["status"] == "running", "the run to run")
            held.let_go()
            printed, _ = process.communicate(timeout=DEADLINE_S)
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
        with running(clock, *run_options(repo, *ON_WIRE)) as process:
            server.wait_for_requests(2)
            workflow_id = read_run().workflow_id
            process.kill()
            process.wait(DEADLINE_S)
        clock.put(hours)
        between = show(clock, workflow_id)["status"]
        with running(clock, "resume", workflow_id) as successor:
            server.wait_for_requests(3)
            during = show(clock, workflow_id)["status"]
            held.let_go()
            printed, _ = successor.communicate(timeout=DEADLINE_S)

        assert successor.returncode == 0, printed
        assert list_units(server.exchanges)[1:3] == ["first", "first"]
    assert (between, during) == ("interrupted", "running")
    assert [call.status for call in read_calls()].count("ok") == 5
