"""``forge server``: the embedded server as its users see it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.children import is_alive
from support.documents import validate
from support.forge import run_forge
from support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

HOLD = """
import asyncio, sys
from forge_core.embedded_server.settings import load_server_settings
from forge_core.embedded_server.start import embedded_server

async def main():
    async with embedded_server(load_server_settings(), "run forge-x"):
        print("held", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def _no_server_stays() -> Iterator[None]:
    yield
    assert run_forge("server", "stop").code == 0


def test_no_server_runs_until_one_is_started_and_nothing_is_made() -> None:
    shown, document = run_forge("server", "status"), run_forge("server", "status", "--json")

    assert (shown.code, document.code) == (0, 0)
    assert shown.stdout.startswith("server     not running")
    assert document.document["running"] is False
    assert not Path(os.environ["XDG_STATE_HOME"]).exists()


def test_started_server_is_shown_and_stopped() -> None:
    started = run_forge("server", "start", "--idle-s", "600")
    found = run_forge("server", "status", "--json").document
    stopped = run_forge("server", "stop")

    assert started.code == 0
    assert f"running at {found['address']}" in started.stdout
    assert found["ui_address"] in started.stdout
    assert "nobody: ends after 10 min 0 s without use" in started.stdout
    assert (found["running"], found["idle_s"], found["leases"]) == (True, 600, [])
    assert found["state_bytes"] > 0
    assert stopped.stdout == f"server stopped (pid {found['server_pid']})\n"
    assert not is_alive(found["server_pid"])
    wait_until(lambda: not is_alive(found["supervisor_pid"]), "the supervisor to end")


def test_server_that_is_used_says_by_whom_and_is_not_stopped() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        shown = run_forge("server", "status", "--json").document
        refused = run_forge("server", "stop")
        holder.communicate()

    assert shown["leases"] == [{"pid": holder.pid, "purpose": "run forge-x"}]
    assert refused.code == 2
    assert f"run forge-x (pid {holder.pid})" in refused.error


def test_idle_server_ends_by_itself() -> None:
    found = run_forge("server", "start", "--idle-s", "0.5", "--no-ui", "--json").document

    validate("server_status", found)
    wait_until(lambda: not is_alive(found["supervisor_pid"]), "the server to end")
    assert run_forge("server", "stop").stdout == "no server is running\n"


def test_second_start_says_that_the_server_stays_as_it_was() -> None:
    run_forge("server", "start", "--idle-s", "600", "--no-ui")
    again = run_forge("server", "start", "--idle-s", "5")

    assert again.code == 0
    assert "was already running and keeps its settings" in again.stderr


def test_server_is_found_beside_the_interpreter_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    path = os.pathsep.join(
        entry
        for entry in os.environ["PATH"].split(os.pathsep)
        if shutil.which("temporal", path=entry) is None
    )
    monkeypatch.setenv("PATH", path)

    assert shutil.which("temporal") is None
    assert run_forge("server", "start", "--idle-s", "60").code == 0


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf"])
def test_idle_time_that_is_none_is_exit_2(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("FORGE_SERVER_IDLE_S", value)

    outcome = run_forge("server", "start")

    assert outcome.code == 2
    assert f"FORGE_SERVER_IDLE_S={value}" in outcome.error
