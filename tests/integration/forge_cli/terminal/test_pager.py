"""Long output on a terminal goes through the pager, and only there."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from forge_obs import record
from support.interrupting import interrupted_at

DEADLINE_S = 60.0


def run_on_terminal(*args: str, env: Mapping[str, str]) -> tuple[int, str]:
    """Run a command whose stdout is a terminal and give its code and all that was shown."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", **env}
    with subprocess.Popen(
        [sys.executable, "-m", "forge_cli", *args],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
        code = process.wait(DEADLINE_S)
    os.close(ours)
    return code, shown.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux says so where the other side is closed
        return b""


@pytest.fixture(autouse=True)
def run_on_record() -> None:
    assert record("run", task_id="t", workflow_id="forge-t-1", status="success")


def test_what_is_shown_on_a_terminal_goes_through_the_pager() -> None:
    code, shown = run_on_terminal("status", env={"FORGE_PAGER": "sed 's/^/> /'"})

    assert code == 0
    assert all(line.startswith("> ") for line in shown.splitlines())
    assert "forge-t-1" in shown


def test_options_of_less_are_chosen_where_nobody_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LESS", raising=False)

    _, chosen = run_on_terminal("status", env={"FORGE_PAGER": "sh -c 'echo $LESS'"})
    _, kept = run_on_terminal("status", env={"FORGE_PAGER": "sh -c 'echo $LESS'", "LESS": "S"})

    assert (chosen.strip(), kept.strip()) == ("FRX", "S")


@pytest.mark.parametrize(
    ("args", "env"),
    [
        pytest.param(["--no-pager"], {"FORGE_PAGER": "sed s/^/PAGED/"}, id="option"),
        pytest.param([], {"FORGE_PAGER": ""}, id="empty"),
        pytest.param([], {"PAGER": "cat"}, id="cat"),
        pytest.param([], {"FORGE_PAGER": "no-such-pager"}, id="missing"),
        pytest.param([], {"FORGE_PAGER": "sed s/^/PAGED/", "TERM": "dumb"}, id="dumb terminal"),
    ],
)
def test_output_comes_without_a_pager(args: list[str], env: dict[str, str]) -> None:
    code, shown = run_on_terminal("status", *args, env=env)

    assert code == 0
    assert "forge-t-1" in shown
    assert "PAGED" not in shown


def test_leaving_the_pager_early_is_no_error() -> None:
    result = {"plan": {"steps": [{"step_id": f"s{n}", "description": "x"} for n in range(3000)]}}
    record("run", task_id="t", workflow_id="forge-long", status="success", result=result)

    code, shown = run_on_terminal(
        "status", "--workflow-id", "forge-long", env={"FORGE_PAGER": "head -n 1"}
    )

    assert code == 0
    assert len(shown.splitlines()) == 1


def test_interrupted_command_says_so_when_the_pager_has_ended(tmp_path: Path) -> None:
    env = {
        "FORGE_PAGER": "sed 's/^/> /'",
        **interrupted_at("forge_cli.actions.look.status", tmp_path / "site"),
    }

    code, shown = run_on_terminal("status", "--workflow-id", "forge-t-1", env=env)

    assert (code, shown.splitlines()) == (130, ["error: interrupted"])


def test_piped_output_meets_no_pager(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "forge_cli", "status"],
        env={**os.environ, "FORGE_PAGER": f"tee {tmp_path / 'seen'}"},
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0
    assert not (tmp_path / "seen").exists()
