"""A command ends in time, prints within bounds and leaves no process behind."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from forge_core.shell_command import CommandResult, run_command

ENVIRONMENT = {"PATH": os.environ["PATH"]}


class Cancelled(Exception):
    """What a cancelled activity raises."""


def run_shell(
    script: str,
    cwd: Path,
    *,
    timeout_s: float = 20,
    on_wait: Callable[[], None] | None = None,
    output_limit: int = 200_000,
) -> CommandResult:
    return run_command(
        ["/bin/sh", "-c", script],
        cwd=cwd,
        timeout_s=timeout_s,
        env=ENVIRONMENT,
        on_wait=on_wait,
        output_limit=output_limit,
    )


def read_pid(file: Path) -> int:
    """Wait until a script has written a process id."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if file.exists() and file.read_text().endswith("\n"):
            return int(file.read_text())
        time.sleep(0.01)
    raise AssertionError(f"{file} was not written")


def is_gone(pid: int) -> bool:
    """Wait until a process has ended; one that nobody reaps counts as ended."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def count_descriptors() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_exit_code_and_both_outputs_are_returned(tmp_path: Path) -> None:
    result = run_shell("echo out; echo err >&2; exit 3", tmp_path)

    assert (result.returncode, result.output) == (3, "out\nerr\n")
    assert not result.timed_out
    assert result.duration_ms > 0


def test_death_by_a_signal_is_a_negative_exit_code(tmp_path: Path) -> None:
    assert run_shell("kill -9 $$", tmp_path).returncode == -signal.SIGKILL


def test_command_runs_in_the_directory_with_only_the_given_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_TEST_SECRET", "s3cret")

    result = run_shell("pwd -P; env", tmp_path)

    assert result.output.startswith(f"{tmp_path.resolve()}\n")
    assert "s3cret" not in result.output


def test_command_that_reads_input_gets_none(tmp_path: Path) -> None:
    assert run_shell("cat; echo done", tmp_path).output == "done\n"


def test_bytes_that_are_no_utf8_are_shown_as_escapes(tmp_path: Path) -> None:
    assert run_shell(r"printf 'a\377b\303\251'", tmp_path).output == "a\\xffbé"


def test_large_output_keeps_its_beginning_and_end(tmp_path: Path) -> None:
    script = "echo begin; head -c 30000000 /dev/zero | tr '\\0' x; echo; echo end"

    result = run_shell(script, tmp_path, output_limit=1000)

    assert result.returncode == 0
    assert result.truncated
    assert result.output.startswith("begin\n")
    assert result.output.endswith("\nend\n")
    assert len(result.output) < 1100


def test_endless_output_is_stopped_by_the_time_limit(tmp_path: Path) -> None:
    result = run_shell("yes", tmp_path, timeout_s=0.3)

    assert result.timed_out
    assert len(result.output) < 210_000


def test_time_limit_kills_grandchildren_too(tmp_path: Path) -> None:
    result = run_shell("sleep 100 & echo $! > pid; sleep 100", tmp_path, timeout_s=0.3)

    assert result.timed_out
    assert result.returncode is None
    assert result.duration_ms < 5000
    assert is_gone(read_pid(tmp_path / "pid"))


def test_command_that_ignores_termination_is_killed(tmp_path: Path) -> None:
    result = run_shell("trap '' TERM INT HUP; sleep 100; sleep 100", tmp_path, timeout_s=0.3)

    assert result.timed_out
    assert result.duration_ms < 5000


def test_background_child_that_holds_the_output_delays_nothing(tmp_path: Path) -> None:
    result = run_shell("sleep 100 & echo $! > pid; echo done", tmp_path)

    assert (result.returncode, result.output) == (0, "done\n")
    assert result.duration_ms < 5000
    assert is_gone(read_pid(tmp_path / "pid"))


def test_process_that_left_its_session_delays_nothing(tmp_path: Path) -> None:
    escape = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    open('pid', 'w').write(f'{os.getpid()}\\n')\n"
        "    while True: os.write(1, b'x' * 1000)\n"
        "while not os.path.exists('pid'): time.sleep(0.01)\n"
    )

    result = run_command([sys.executable, "-c", escape], cwd=tmp_path, timeout_s=20, env={})

    assert result.returncode == 0
    assert is_gone(read_pid(tmp_path / "pid")), "it dies of the closed pipe"


def test_command_that_closes_its_output_is_still_waited_for(tmp_path: Path) -> None:
    result = run_shell("exec >&- 2>&-; sleep 0.3; exit 4", tmp_path)

    assert result.returncode == 4


def test_cancellation_kills_the_command_and_passes_on(tmp_path: Path) -> None:
    def cancel_once_started() -> None:
        if (tmp_path / "pid").exists():
            raise Cancelled

    with pytest.raises(Cancelled):
        run_shell("sleep 100 & echo $! > pid; wait", tmp_path, on_wait=cancel_once_started)

    assert is_gone(read_pid(tmp_path / "pid"))


def test_cancellation_reaches_a_command_that_prints_without_pause(tmp_path: Path) -> None:
    calls = []

    def cancel_at_the_third_look() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        run_shell("yes", tmp_path, on_wait=cancel_at_the_third_look)


def test_missing_program_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run_command(["no-such-program"], cwd=tmp_path, timeout_s=5, env=ENVIRONMENT)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = count_descriptors()

    for _ in range(5):
        run_shell("echo x", tmp_path)

    assert count_descriptors() == before
