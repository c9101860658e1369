"""The processes above an untrusted command: they bound it and leave nothing of it behind.

Started as a program of its own, by path and with the standard library alone. Its input is one
line, a JSON object, and then stays open for as long as Forge lives; at its end, everything that the
command started is killed. The descriptor that its argument names takes the outcome, as JSON.

On Linux every orphan below the command becomes a child of the reaper (`PR_SET_CHILD_SUBREAPER`),
also one that made a session of its own, so it can be counted and killed. Elsewhere only the
command's process group is killed, and memory and processes are not counted.

The command can kill whatever runs as its user. Where it kills the reaper, the orphans go to the
guard, which is the reaper's parent and kills them instead; where it kills the guard, the reaper
still does its work. Where it kills both, Forge finds what is left by its mark, see `marked`.

See D59.
"""

import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

LOOK_INTERVAL_S = 0.2
"""Between two looks at what the command uses."""

KILL_DEADLINE_S = 5.0
"""After which a process that cannot be killed, in a driver for example, is left alone."""

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

MEGABYTE = 1024 * 1024
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
ON_LINUX = sys.platform == "linux"


def main() -> None:
    """Run the command that the first line of the input describes, and say how it ended."""
    status_fd = int(sys.argv[1])
    os.set_inheritable(status_fd, False)
    for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        # A handler, unlike SIG_IGN, is not passed on to the command.
        signal.signal(number, lambda *_: None)
    _control(PR_SET_CHILD_SUBREAPER, 1)  # which a fork does not pass on
    told, tell = os.pipe()
    reaper = os.fork()
    if reaper:
        os.close(tell)
        outcome = Guard(reaper, told).run()
    else:
        os.close(told)
        outcome = _reap_command(tell)
    if outcome is not None:
        with os.fdopen(status_fd, "w") as status:
            json.dump(outcome, status)


def _reap_command(tell: int) -> dict[str, Any]:
    _control(PR_SET_CHILD_SUBREAPER, 1)
    order = json.loads(sys.stdin.readline())
    try:
        return Reaper(order, tell).run()
    except OSError as error:
        return {"errno": error.errno, "strerror": error.strerror, "filename": error.filename}


class Parent:
    """A process that waits for one child and collects all others below it."""

    def __init__(self) -> None:
        """Be woken up by whatever ends."""
        self._pid = 0
        self._returncode: int | None = None
        self._wake, wake_end = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_end, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)

    def _reap(self) -> bool:
        """Collect the ended children; False where there are none at all any more."""
        with suppress(BlockingIOError):
            os.read(self._wake, 4096)
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self._pid:
                    self._returncode = os.waitstatus_to_exitcode(status)
        return False

    def _kill(self, group: int | None) -> None:
        """Kill until there is nothing left: a process may start another while it is killed."""
        deadline = time.monotonic() + KILL_DEADLINE_S
        if group is not None:
            _send_kill(os.killpg, group)
        while time.monotonic() < deadline:
            for pid in _find_descendants(os.getpid()):
                _send_kill(os.kill, pid)
            if not self._reap():
                return
            select.select([self._wake], [], [], 0.05)


class Guard(Parent):
    """The reaper's parent, which has nothing to do unless the reaper is killed or stopped.

    Args:
        reaper: The reaper.
        told: Where it says which process group the command has.
    """

    def __init__(self, reaper: int, told: int) -> None:
        super().__init__()
        self._pid = reaper
        self._told = told

    def run(self) -> dict[str, Any] | None:
        """Wait for the reaper; return what came of the command where it cannot say so itself."""
        self._watch()
        if self._returncode == 0:
            return None
        os.set_blocking(self._told, False)
        with suppress(BlockingIOError):
            group = os.read(self._told, 20)
            self._kill(int(group) if group else None)
        return {"returncode": self._returncode}

    def _watch(self) -> None:
        """Return once the reaper has ended; after the end of Forge, it is made to."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        poll.register(0, 0)  # only its end is told: what stands in it is the reaper's
        deadline = None
        while self._reap() and self._returncode is None:
            if deadline is None:
                if any(number == 0 for number, _ in poll.poll()):
                    poll.unregister(0)
                    deadline = time.monotonic() + KILL_DEADLINE_S + 1.0
            elif time.monotonic() < deadline:
                poll.poll(100)
            else:
                _send_kill(os.kill, self._pid)
                poll.poll(100)


class Reaper(Parent):
    """One command and everything below it."""

    def __init__(self, order: dict[str, Any], tell: int) -> None:
        """Start the command, and tell the guard its process group.

        Raises:
            OSError: It cannot be started.
        """
        super().__init__()
        self._limits: dict[str, float | None] = order["limits"]
        self._mark: int = order["mark"]
        # Kept, for one that is given up collects its process when it is deleted.
        self._process = subprocess.Popen(
            order["argv"],
            cwd=order["cwd"],
            env=order["env"],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=self._confine,  # noqa: PLW1509 - this process has one thread
        )
        self._pid = self._process.pid
        with suppress(BrokenPipeError):
            os.write(tell, str(self._pid).encode())

    def run(self) -> dict[str, Any]:
        """Wait for the command, a limit or the end of Forge, then kill what is left."""
        try:
            exceeded = self._watch()
        finally:
            self._kill(self._pid)
        return {"returncode": self._returncode, "exceeded": exceeded}

    def _watch(self) -> str | None:
        """Return once the command or Forge has ended, or with the limit that is exceeded."""
        looked = time.monotonic()
        while self._reap() and self._returncode is None:
            readable, _, _ = select.select([0, self._wake], [], [], LOOK_INTERVAL_S)
            if 0 in readable:
                return None
            if time.monotonic() - looked >= LOOK_INTERVAL_S:
                exceeded = self._find_excess()
                if exceeded:
                    return exceeded
                looked = time.monotonic()
        return None

    def _confine(self) -> None:
        """Bound the command before it begins, and tie its life to this process."""
        _control(PR_SET_PDEATHSIG, signal.SIGKILL)
        _limit(resource.RLIMIT_CORE, 0)
        if ON_LINUX:
            _limit(resource.RLIMIT_RTTIME, self._mark)
        if (file_size_mb := self._limits["file_size_mb"]) is not None:
            _limit(resource.RLIMIT_FSIZE, int(file_size_mb * MEGABYTE))
        if (cpu_s := self._limits["cpu_s"]) is not None:
            # For each process alone, where the sum of all is not known.
            _limit(resource.RLIMIT_CPU, int(cpu_s) + 1)
        with suppress(OSError):
            # Where memory runs out before anything is counted, the command goes, not Forge.
            Path("/proc/self/oom_score_adj").write_text("500")

    def _find_excess(self) -> str | None:
        """Return the name of the limit that the command and its descendants together exceed."""
        pids = list(_find_descendants(os.getpid()))
        reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = {
            "processes": len(pids),
            "memory_mb": sum(map(_measure_memory, pids)) / MEGABYTE,
            "cpu_s": sum(map(_measure_cpu, pids)) + reaped.ru_utime + reaped.ru_stime,
        }
        limits = {name: self._limits[name] for name in used}
        return next((n for n, most in limits.items() if most is not None and used[n] > most), None)


def _send_kill(send: Any, target: int) -> None:  # noqa: ANN401
    # macOS answers EPERM for a group that has ended already.
    with suppress(ProcessLookupError, PermissionError):
        send(target, signal.SIGKILL)


def _control(option: int, argument: int) -> None:
    """Call prctl(2), where there is one."""
    if ON_LINUX:
        ctypes.CDLL(None).prctl(option, argument, 0, 0, 0)


def _limit(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (bound, bound))


def _find_descendants(pid: int) -> Iterator[int]:
    """Find the processes below one, parents first; none where there is no ``/proc``."""
    parents = [pid]
    while parents:
        for task in Path(f"/proc/{parents.pop()}/task").glob("*"):
            children = [int(child) for child in _read(task / "children").split()]
            parents += children
            yield from children


def _measure_memory(pid: int) -> int:
    """Return the bytes of a process that are in memory and not shared with a file."""
    fields = _read(Path(f"/proc/{pid}/statm")).split()
    return (int(fields[1]) - int(fields[2])) * PAGE_BYTES if fields else 0


def _measure_cpu(pid: int) -> float:
    """Return the seconds of processor time of a process and of the children it collected."""
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS_PER_S


def _read(path: Path) -> str:
    """Read a file of ``/proc``; nothing where its process has ended."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    main()
