"""Eight runs that are stopped at once, as by a laptop's lid, again and again."""

import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from forge_core.embedded_server.start import read_record
from forge_core.state_dir.files import StateFiles
from forge_core.state_dir.locate import get_state_dir
from support.forge import run_forge, running_forge
from support.forked import DEADLINE_S, ForgeProcess
from support.live import ON_WIRE, follow_plan, name_unit
from support.llm_server import Exchange, LLMServer, Reply
from support.repository import make_repository

ROUNDS = 10
RUNS = 8
STOPPED_S = 45.0
"""Longer than the 30 s after which the server gives an activity to the next attempt."""

ANSWER_S = (0.5, 6.0)
"""How long a model takes, at least and at most."""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"README.md": "# a repository\n"})


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FORGE_SERVER_IDLE_S", "60")
    yield
    assert run_forge("server", "stop").code == 0


def answer_slowly(exchange: Exchange) -> Reply:
    time.sleep(random.uniform(*ANSWER_S))  # noqa: S311 - no secret
    return follow_plan(exchange)


def name_request(exchange: Exchange) -> tuple[str, str]:
    """Tell of which run a request is, and for which unit."""
    [run] = set(re.findall(r"Run number (\S+)\.", exchange.prompts.user))
    return run, name_unit(exchange)


def stop(processes: list[ForgeProcess], others: list[int]) -> None:
    """Stop everything for a while, the server as well if it is among the others."""
    pids = [process.pid for process in processes if process.poll() is None] + others
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(STOPPED_S)
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)


def list_server() -> list[int]:
    record = read_record(StateFiles(get_state_dir()))
    assert record is not None
    return [record.pid, record.server_pid]


@pytest.mark.soak
@pytest.mark.usefixtures("own_server")
@pytest.mark.parametrize("number", range(1, ROUNDS + 1))
def test_runs_that_are_stopped_end_well_and_pay_once(
    repo: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    endings: list[tuple[int | None, str]] = []
    with LLMServer(answer_slowly) as server, ExitStack() as stack:
        server.configure(monkeypatch)
        processes = [
            stack.enter_context(
                running_forge(
                    *("run", f"Run number {run}.", "--task-id", f"t-{run}"),
                    *("--repo", str(repo), "--plan", *ON_WIRE),
                )
            )
            for run in range(RUNS)
        ]
        server.wait_for_requests(RUNS + random.randrange(RUNS))  # noqa: S311
        time.sleep(random.uniform(0.0, 4.0))  # noqa: S311
        stop(processes, list_server() if number % 2 == 0 else [])
        for process in processes:
            _, stderr = process.communicate(DEADLINE_S)
            endings.append((process.returncode, stderr[-500:]))
        asked = Counter(map(name_request, server.exchanges))

    assert [ending for ending in endings if ending[0] != 0] == []
    assert {request: count for request, count in asked.items() if count > 1} == {}
    assert len(asked) == 5 * RUNS
