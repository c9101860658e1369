"""A command ends in time, prints within bounds and leaves no process behind."""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from forge_core.shell import process, reaper
from forge_core.shell.bounds import CommandBounds, CommandResult, ResourceLimits
from forge_core.shell.run import run_command
from support.children import is_alive, start_child, wait_for
from support.waiting import wait_until

ENVIRONMENT = {"PATH": os.environ["PATH"]}

TRUSTED = None
BOUNDED = ResourceLimits()

both_ways = pytest.mark.parametrize("limits", [TRUSTED, BOUNDED], ids=["trusted", "bounded"])
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs a subreaper and /proc")


class Cancelled(Exception):
    """What a cancelled activity raises."""


def run_shell(
    script: str,
    cwd: Path,
    *,
    timeout_s: float = 20,
    on_wait: Callable[[], None] | None = None,
    output_limit: int = 200_000,
    limits: ResourceLimits | None = BOUNDED,
) -> CommandResult:
    return run_command(
        ["/bin/sh", "-c", script],
        cwd=cwd,
        env=ENVIRONMENT,
        bounds=CommandBounds(timeout_s, output_limit, limits),
        on_wait=on_wait,
    )


def read_pid(file: Path) -> int:
    """Wait until a script has written a process id."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if file.exists() and file.read_text().endswith("\n"):
            return int(file.read_text())
        time.sleep(0.01)
    raise AssertionError(f"{file} was not written")


def has_pid(directory: Path) -> bool:
    """Tell whether a script has written its process id, and not only made the file."""
    file = directory / "pid"
    return file.exists() and file.read_text() != ""


def is_gone(pid: int) -> bool:
    """Wait until a process has ended."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not is_alive(pid):
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up a reaper that is stopped after fractions of the usual seconds."""
    text, usual = Path(reaper.__file__).read_text(), "KILL_DEADLINE_S = 5.0\n"
    assert usual in text
    hasty = tmp_path / "reaper.py"
    hasty.write_text(text.replace(usual, "KILL_DEADLINE_S = 0.3\n"))
    monkeypatch.setattr(reaper, "__file__", str(hasty))
    monkeypatch.setattr(process, "END_DEADLINE_S", 3.0)


def list_descriptors() -> set[tuple[int, int, int]]:
    """List what this process has open by number, device and inode."""
    found = set()
    for number in [int(entry.name) for entry in Path("/dev/fd").iterdir()]:
        with suppress(OSError):  # closed since
            status = os.fstat(number)
            found.add((number, status.st_dev, status.st_ino))
    return found


@both_ways
def test_exit_code_and_both_outputs_are_returned(
    tmp_path: Path, limits: ResourceLimits | None
) -> None:
    result = run_shell("echo out; echo err >&2; exit 3", tmp_path, limits=limits)

    assert (result.returncode, result.output) == (3, "out\nerr\n")
    assert not result.timed_out
    assert result.duration_ms > 0


@both_ways
def test_death_by_a_signal_is_a_negative_exit_code(
    tmp_path: Path, limits: ResourceLimits | None
) -> None:
    assert run_shell("kill -9 $$", tmp_path, limits=limits).returncode == -signal.SIGKILL


def test_command_runs_in_the_directory_with_only_the_given_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_TEST_SECRET", "s3cret")

    result = run_shell("pwd -P; env", tmp_path)

    assert result.output.startswith(f"{tmp_path.resolve()}\n")
    assert "s3cret" not in result.output


@both_ways
def test_command_that_reads_input_gets_none(tmp_path: Path, limits: ResourceLimits | None) -> None:
    assert run_shell("cat; echo done", tmp_path, limits=limits).output == "done\n"


def test_bytes_that_are_no_utf8_are_shown_as_escapes(tmp_path: Path) -> None:
    assert run_shell(r"printf 'a\377b\303\251'", tmp_path).output == "a\\xffbé"


@both_ways
def test_large_output_keeps_its_beginning_and_end(
    tmp_path: Path, limits: ResourceLimits | None
) -> None:
    script = "echo begin; head -c 30000000 /dev/zero | tr '\\0' x; echo; echo end"

    result = run_shell(script, tmp_path, output_limit=1000, limits=limits)

    assert result.returncode == 0
    assert result.truncated
    assert result.output.startswith("begin\n")
    assert result.output.endswith("\nend\n")
    assert len(result.output) < 1100


@both_ways
def test_endless_output_is_stopped_by_the_time_limit(
    tmp_path: Path, limits: ResourceLimits | None
) -> None:
    result = run_shell("yes", tmp_path, timeout_s=0.3, limits=limits)

    assert result.timed_out
    assert len(result.output) < 210_000


@both_ways
def test_time_limit_kills_grandchildren_too(tmp_path: Path, limits: ResourceLimits | None) -> None:
    result = run_shell(
        "sleep 100 & echo $! > pid; sleep 100", tmp_path, timeout_s=0.3, limits=limits
    )

    assert result.timed_out
    assert result.returncode is None
    assert is_gone(read_pid(tmp_path / "pid"))


@both_ways
def test_command_that_ignores_termination_is_killed(
    tmp_path: Path, limits: ResourceLimits | None
) -> None:
    result = run_shell(
        "trap '' TERM INT HUP; sleep 100; sleep 100", tmp_path, timeout_s=0.3, limits=limits
    )

    assert result.timed_out


@both_ways
def test_background_child_that_holds_the_output_delays_nothing(
    tmp_path: Path, limits: ResourceLimits | None
) -> None:
    result = run_shell("sleep 100 & echo $! > pid; echo done", tmp_path, limits=limits)

    assert (result.returncode, result.output) == (0, "done\n")
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

    result = run_command(
        [sys.executable, "-c", escape], cwd=tmp_path, env={}, bounds=CommandBounds(20)
    )

    assert result.returncode == 0
    assert is_gone(read_pid(tmp_path / "pid")), "it dies of the closed pipe"


LEAVE_SESSION = (
    "setsid sh -c 'echo $$ > pid; exec sleep 100' >/dev/null 2>&1 & "
    "until [ -s pid ]; do sleep 0.01; done"
)


@on_linux
def test_process_that_left_its_session_is_killed(tmp_path: Path) -> None:
    assert run_shell(LEAVE_SESSION, tmp_path).returncode == 0

    assert is_gone(read_pid(tmp_path / "pid"))


@on_linux
def test_cancellation_reaches_a_process_that_left_its_session(tmp_path: Path) -> None:
    def cancel_once_started() -> None:
        if has_pid(tmp_path):
            raise Cancelled

    with pytest.raises(Cancelled):
        run_shell(f"{LEAVE_SESSION}; sleep 100", tmp_path, on_wait=cancel_once_started)

    assert is_gone(read_pid(tmp_path / "pid"))


@on_linux
def test_processes_that_start_others_as_they_die_are_all_killed(tmp_path: Path) -> None:
    restless = (
        "import os, sys, time\n"
        "os.setsid()\n"
        "for generation in range(2000):\n"
        "    if os.fork(): os._exit(0)\n"
        "    os.setsid()\n"
        "    open('pids', 'a').write(f'{os.getpid()}\\n')\n"
        "time.sleep(100)\n"
    )
    (tmp_path / "restless.py").write_text(restless)
    script = f"{sys.executable} restless.py & until [ -s pids ]; do sleep 0.01; done"

    run_shell(script, tmp_path)

    last = (tmp_path / "pids").read_text().split()[-1]
    assert is_gone(int(last))
    assert (tmp_path / "pids").read_text().split()[-1] == last


@pytest.mark.parametrize("limits", [ResourceLimits(), ResourceLimits(memory_mb=9999)], ids=str)
def test_command_dies_with_the_process_that_runs_it(tmp_path: Path, limits: ResourceLimits) -> None:
    script = "setsid sleep 100 & echo $! > away; echo $$ > pid; sleep 100"
    child = start_child(lambda: run_shell(script, tmp_path, limits=limits).returncode == 0)
    pids = [read_pid(tmp_path / "pid"), read_pid(tmp_path / "away")]

    os.kill(child, signal.SIGKILL)

    assert not wait_for(child)
    assert is_gone(pids[0])
    assert is_gone(pids[1]) or sys.platform != "linux"


def test_signals_that_the_command_sends_upwards_change_nothing(tmp_path: Path) -> None:
    script = "kill -TERM $PPID; kill -INT $PPID; kill -HUP $PPID; sleep 0.1; exit 3"

    assert run_shell(script, tmp_path).returncode == 3


def test_command_that_kills_its_reaper_is_killed_too(tmp_path: Path) -> None:
    result = run_shell("echo $$ > pid; kill -KILL $PPID; exec sleep 100", tmp_path)

    assert result.returncode == -signal.SIGKILL
    assert is_gone(read_pid(tmp_path / "pid")) or sys.platform != "linux"


GUARD = "$(awk '{print $4}' /proc/$PPID/stat)"
"""Process id of the reaper's parent, for a shell below the reaper."""

ATTACKS = {
    "reaper": "kill -9 $PPID",
    "guard": f"kill -9 {GUARD}",
    "guard, then reaper": f"kill -9 {GUARD}; kill -9 $PPID",
    "both at once": f"kill -9 $PPID {GUARD}",
    "reaper is stopped": "kill -STOP $PPID; touch stopped",
    "reaper is stopped, guard killed": f"kill -STOP $PPID; kill -9 {GUARD}",
}

HIDDEN = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
null = os.open(os.devnull, os.O_RDWR)
for number in range(3): os.dup2(null, number)
open('away', 'w').write(f'{os.getpid()}\\n')
time.sleep(1000)
"""
"""Becomes a daemon: two forks, a session of its own, no output."""


@on_linux
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_nothing_outlives_a_command_whatever_it_kills(tmp_path: Path, attack: str) -> None:
    def cancel_once_stopped() -> None:
        if (tmp_path / "stopped").exists():
            raise Cancelled

    (tmp_path / "hidden.py").write_text(HIDDEN)
    script = (
        f"{sys.executable} hidden.py; sleep 1000 & echo $! > child; echo $$ > pid; "
        f"until [ -s away ]; do sleep 0.01; done; {attack}; sleep 1000"
    )

    with suppress(Cancelled):
        result = run_shell(script, tmp_path, on_wait=cancel_once_stopped)
        assert result.returncode == -signal.SIGKILL

    for name in ("pid", "child", "away"):
        assert is_gone(read_pid(tmp_path / name)), name


@on_linux
@pytest.mark.usefixtures("impatient")
def test_nothing_is_left_where_forge_dies_while_the_reaper_is_stopped(tmp_path: Path) -> None:
    script = "setsid sleep 1000 & echo $! > away; echo $$ > pid; kill -STOP $PPID; sleep 1000"
    child = start_child(lambda: run_shell(script, tmp_path).returncode == 0)
    pids = [read_pid(tmp_path / "pid"), read_pid(tmp_path / "away")]

    os.kill(child, signal.SIGKILL)

    assert not wait_for(child)
    assert all(is_gone(pid) for pid in pids)


HOG = "import time; hog = bytearray(300 << 20); time.sleep(100)"


@on_linux
@pytest.mark.parametrize(
    ("script", "limits", "exceeded"),
    [
        (f'{sys.executable} -c "{HOG}"', ResourceLimits(memory_mb=200), "200 MB of memory"),
        (
            f'for i in 1 2 3; do setsid {sys.executable} -c "{HOG}" & done; wait',
            ResourceLimits(memory_mb=700),
            "700 MB of memory",
        ),
        (
            "for i in $(seq 30); do setsid sleep 100 & done; wait",
            ResourceLimits(processes=20),
            "20 processes",
        ),
        ("while :; do :; done", ResourceLimits(cpu_s=0.2), "0.2 s of processor time"),
        (
            "while :; do (i=0; while [ $i -lt 9999 ]; do i=$((i+1)); done); done",
            ResourceLimits(cpu_s=0.5),
            "0.5 s of processor time",
        ),
    ],
    ids=["memory", "memory of several", "processes", "cpu", "cpu of ended children"],
)
def test_command_that_goes_over_a_limit_is_killed_with_all_its_children(
    tmp_path: Path, script: str, limits: ResourceLimits, exceeded: str
) -> None:
    result = run_shell(script, tmp_path, limits=limits)

    assert (result.returncode, result.exceeded) == (None, f"more than {exceeded}")
    assert not result.timed_out


def test_file_that_outgrows_its_limit_is_cut_and_its_writer_told(tmp_path: Path) -> None:
    result = run_shell(
        "head -c 3000000 /dev/zero > big; echo $?", tmp_path, limits=ResourceLimits(file_size_mb=1)
    )

    assert result.output.split()[-1] == str(128 + signal.SIGXFSZ)
    assert (tmp_path / "big").stat().st_size == 1 << 20


def test_command_within_its_limits_is_not_disturbed(tmp_path: Path) -> None:
    limits = ResourceLimits(memory_mb=500, processes=50, cpu_s=50, file_size_mb=50)

    result = run_shell("sleep 0.5; echo $(seq 3); exit 7", tmp_path, limits=limits)

    assert (result.returncode, result.output, result.exceeded) == (7, "1 2 3\n", None)


def test_exit_code_of_a_command_that_ends_at_once_is_never_missed(tmp_path: Path) -> None:
    codes = [run_shell(f"exit {number}", tmp_path).returncode for number in range(8)]

    assert codes == list(range(8))


def test_bounded_command_sees_the_given_environment_and_no_more(tmp_path: Path) -> None:
    result = run_command(
        ["/usr/bin/env"], cwd=tmp_path, env={"A": "ü\n"}, bounds=CommandBounds(20, limits=BOUNDED)
    )

    assert result.output == "A=ü\n\n"


@both_ways
def test_command_that_closes_its_output_is_still_waited_for(
    tmp_path: Path, limits: ResourceLimits | None
) -> None:
    result = run_shell("exec >&- 2>&-; sleep 0.3; exit 4", tmp_path, limits=limits)

    assert result.returncode == 4


@both_ways
def test_cancellation_kills_the_command_and_passes_on(
    tmp_path: Path, limits: ResourceLimits | None
) -> None:
    def cancel_once_started() -> None:
        if has_pid(tmp_path):
            raise Cancelled

    with pytest.raises(Cancelled):
        run_shell(
            "sleep 100 & echo $! > pid; wait", tmp_path, on_wait=cancel_once_started, limits=limits
        )

    assert is_gone(read_pid(tmp_path / "pid"))


def test_cancellation_reaches_a_command_that_prints_without_pause(tmp_path: Path) -> None:
    calls = []

    def cancel_at_the_third_look() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        run_shell("yes", tmp_path, on_wait=cancel_at_the_third_look)


@both_ways
def test_missing_program_is_an_os_error(tmp_path: Path, limits: ResourceLimits | None) -> None:
    with pytest.raises(FileNotFoundError):
        run_command(
            ["no-such-program"], cwd=tmp_path, env=ENVIRONMENT, bounds=CommandBounds(5, 9, limits)
        )


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = list_descriptors()

    for _ in range(2):
        run_shell("echo x", tmp_path)
        run_shell("sleep 9", tmp_path, timeout_s=0.2)

    # Threads that earlier tests left may close theirs meanwhile, or have some open for a moment.
    wait_until(lambda: not list_descriptors() - before, "no new descriptor")
