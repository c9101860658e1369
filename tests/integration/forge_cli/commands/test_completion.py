"""Real shells complete what the installed script says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from forge_cli.app import call
from support.records import record_call, record_run
from support.terminal import Terminal, on_terminal

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet


def needing(shell: str) -> "ParameterSet":
    """Run a test only where a shell is installed."""
    missing = shutil.which(shell) is None
    marks = pytest.mark.skipif(missing, reason=f"{shell} is not installed")
    return pytest.param(shell, marks=marks)


RUN = "forge-retry-7f3b-deadbeef"

SHELLS = [needing("bash"), needing("zsh")]

STARTUP = {"bash": ".bashrc", "zsh": ".zshrc"}
PROMPT = "ready> "
SEARCH_PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def start_up(shell: str, home: Path) -> None:
    """Write the startup file of somebody who uses the shell, then install the completion."""
    own = {
        "bash": f"PS1='{PROMPT}'\n",
        "zsh": f"autoload -Uz compinit; compinit -u; PS1='{PROMPT}'\n",
    }
    (home / STARTUP[shell]).write_text(own[shell])
    assert call(["completion", shell, "--install"]) == 0


def complete(terminal: Terminal, typed: str, expected: str) -> None:
    """Type the beginning of a line and a tab, expect its rest, and drop the line."""
    terminal.type(typed + "\t")
    terminal.wait_for(expected)
    terminal.type("\x15")


@pytest.mark.parametrize("shell", SHELLS)
def test_shell_completes_commands_options_and_names(shell: str, private_environment: Path) -> None:
    start_up(shell, private_environment)
    record_run(RUN, task_id="retry-7f3b", model_name="writer:one")
    env = {"PATH": SEARCH_PATH, "TERM": "dumb"}

    with on_terminal([shell, "-i"], env) as terminal:
        terminal.wait_for(PROMPT)
        complete(terminal, "forge statu", "status ")
        complete(terminal, "forge db che", "check ")
        complete(terminal, "forge status --workf", "--workflow-id ")
        complete(terminal, "forge db path --no-pa", "--no-pager ")
        # What a switch with an opposite is followed by is no value of it.
        complete(terminal, "forge run --lint --run-tests --no-for", "--no-format ")
        complete(terminal, "forge status ret", "retry-7f3b ")
        complete(terminal, "forge logs forge-r", f"{RUN} ")
        complete(terminal, "forge status @la", "last ")
        complete(terminal, "forge run --model writer:o", "ne ")


COMPLETED_BY_FISH = {
    "forge statu": ["status"],
    "forge db che": ["check"],
    "forge status --workf": ["--workflow-id"],
    "forge status --status r": ["running"],
    "forge db path --no-pa": ["--no-pager"],
    "forge run --lint --run-tests --no-for": ["--no-format"],
    "forge show ret": ["retry-7f3b"],
    "forge run --model writer:o": ["writer:one"],
}


@pytest.mark.parametrize("shell", [needing("fish")])
def test_fish_completes_commands_options_and_values(shell: str, private_environment: Path) -> None:
    assert call(["completion", shell, "--install"]) == 0
    record_run(RUN, task_id="retry-7f3b", model_name="writer:one")
    env = {**os.environ, "PATH": SEARCH_PATH, "HOME": str(private_environment)}

    def complete_line(typed: str) -> list[str]:
        done = subprocess.run(
            [shell, "-c", 'complete -C "$argv"', typed],
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        return [line.split("\t")[0] for line in done.stdout.splitlines()]

    assert {typed: complete_line(typed) for typed in COMPLETED_BY_FISH} == COMPLETED_BY_FISH


def test_installing_twice_changes_nothing(private_environment: Path) -> None:
    start_up("zsh", private_environment)
    once = (private_environment / STARTUP["zsh"]).read_text()

    assert call(["completion", "zsh", "--install"]) == 0
    assert (private_environment / STARTUP["zsh"]).read_text() == once


@pytest.mark.parametrize("shell", [*SHELLS, needing("fish")])
def test_printed_script_is_one_that_the_shell_understands(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["completion", shell]) == 0
    script = tmp_path / "script"
    script.write_text(capsys.readouterr().out)

    subprocess.run([shell, "-n", script], check=True)


def test_user_of_zsh_is_told_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["completion", "zsh", "--install"]) == 0
    assert "compinit" in capsys.readouterr().err


def test_home_that_cannot_be_written_is_one_line(
    private_environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (private_environment / ".local").write_text("in the way")

    code = call(["completion", "bash", "--install"])

    assert code == 3
    error = capsys.readouterr().err
    assert error.startswith("error: cannot install the completion: ")
    assert "Errno" not in error


def offer(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, str]:
    """Ask as a shell does what the last of some words may become, and what is said of each."""
    assert call(["__complete", *words]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    lines = shown.out.strip("\n").split("\n")
    assert lines[0] == "\x1fbegin"
    return {value: said for value, _, said in (line.partition("\t") for line in lines[1:])}


def test_runs_are_offered_by_what_people_call_them(capsys: pytest.CaptureFixture[str]) -> None:
    record_run("forge-dates-7f3a-0a1b2c3d", task_id="dates-7f3a", status="budget", finished_at=None)
    record_run("forge-dates-7f3a-99887766", task_id="dates-7f3a")
    record_run(RUN, task_id="retry-7f3b", status="failure_terminal", model_name="writer:one")
    record_call(RUN, task_id="retry-7f3b", entry_id="0" * 32)

    assert list(offer(capsys, "status", "")) == ["@last", "retry-7f3b", "dates-7f3a"]
    assert offer(capsys, "logs", "")["retry-7f3b"].startswith("failed, ")
    assert list(offer(capsys, "cancel", "")) == ["@last", "dates-7f3a"]
    assert RUN in offer(capsys, "status", "--workflow-id", "forge-")
    assert list(offer(capsys, "status", "--task", "")) == ["retry-7f3b", "dates-7f3a"]
    assert list(offer(capsys, "status", "--model", "")) == ["writer:one", "one"]
    assert offer(capsys, "show", "")["00000000"] == "llm, a, writer-1"
    assert {"writer:one", "anthropic:", "scripted:"} <= set(offer(capsys, "run", "--model", ""))
    assert "anthropic:claude-sonnet-4-0" in offer(capsys, "run", "--model", "anthropic:")
    assert {"backup", "check"} <= set(offer(capsys, "help", "db", ""))


def test_names_of_others_are_offered_without_what_a_terminal_obeys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    record_run("w", task_id="a\x1b[2Jb")

    assert "a\\x1b[2Jb" in offer(capsys, "status", "")


@pytest.mark.parametrize(
    "words", [["status", ""], ["show", ""], ["clean", ""], ["calls", "--run", ""]]
)
def test_nothing_is_offered_where_nothing_can_be_read(
    words: list[str],
    private_environment: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(private_environment)
    Path(os.environ["FORGE_DB_PATH"]).write_bytes(b"no database" * 1000)

    assert offer(capsys, *words) == {}
