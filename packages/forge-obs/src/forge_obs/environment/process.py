"""This process: environment, identity, and which processes live."""

import os
import time
from functools import cache, lru_cache
from pathlib import Path
from pwd import getpwuid
from random import Random
from typing import Final

from forge_obs.environment.location import locate, starts_at_home
from forge_obs.environment.mounts import NETWORK, find_file_system
from forge_obs.model.liveness import Owner

_MOUNTS: Final = Path("/proc/self/mountinfo")

_random: Final = Random()  # noqa: S311 - ids are no secret
"""Seeded by the system, whatever a program does to the shared one; no call of the system per id."""

os.register_at_fork(after_in_child=_random.seed)

_FIXED_BITS: Final = 0xF << 76 | 0b11 << 62
_VERSION_4: Final = 4 << 76 | 0b10 << 62
"""Version and variant, the bits of a UUID that are not random."""


def is_off() -> bool:
    """Return whether the store is off, in less than a microsecond."""
    return os.environ.get("FORGE_DB_PATH") == ""


def get_db_path() -> Path | None:
    """Tell where the database of this process is; None if the store is off.

    The environment is read at each call. Nothing is created.

    Raises:
        StoreUnavailable: Nothing names a place and there is no home directory.
    """
    db_path = os.environ.get("FORGE_DB_PATH")
    if db_path == "":
        return None
    if db_path is not None and not starts_at_home(db_path):
        return _locate(db_path, None, None, "/" if db_path[0] == "/" else str(Path.cwd()))
    home = os.environ.get("HOME") or _registered_home()
    return _locate(db_path, os.environ.get("XDG_STATE_HOME"), home, "/")


@lru_cache(maxsize=64)
def _locate(db_path: str | None, state_home: str | None, home: str | None, cwd: str) -> Path | None:
    path = locate(db_path, state_home=state_home, home=home, cwd=cwd)
    return None if path is None else Path(path)


def _registered_home() -> str | None:
    try:
        return getpwuid(os.getuid()).pw_dir
    except KeyError:
        return None


def get_network_file_system(path: Path) -> str | None:
    """Name the network file system that a path is on; None on a local one, or if nothing tells."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    file_system = find_file_system(mounts, os.path.realpath(path))
    return file_system if file_system in NETWORK else None


def get_now() -> str:
    """Give the current moment as RFC 3339 text in UTC with microseconds."""
    second, ns = divmod(time.time_ns(), 1_000_000_000)
    return f"{_format_second(second)}.{ns // 1000:06d}Z"


@lru_cache(maxsize=2)
def _format_second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def make_entry_id() -> str:
    """Make the 32 hex digits of a random UUID (version 4 of RFC 9562)."""
    return f"{_random.getrandbits(128) & ~_FIXED_BITS | _VERSION_4:032x}"


def get_owner() -> Owner:
    """Identify this process, such that a later one with the same pid differs."""
    return _owner(os.getpid())


@cache
def _owner(pid: int) -> Owner:
    return Owner(get_host(), pid, get_process_start(pid))


def get_host() -> str:
    """Name this machine."""
    return os.uname().nodename


def get_process_start(pid: int) -> str | None:
    """Tell when a process started; None if there is no such process or nothing tells.

    On Linux this is the boot's id and the clock tick since then, from `/proc`; elsewhere what `ps`
    prints, to the second. A process that has ended and waits to be reaped counts as gone.
    """
    if Path("/proc/self/stat").exists():
        return _start_from_proc(pid)
    return _start_from_ps(pid)


def _start_from_proc(pid: int) -> str | None:
    # proc(5): the name in parentheses may hold anything; state is field 3, starttime field 22.
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    after_name = stat.rpartition(")")[2].split()
    return None if after_name[0] in {"Z", "X"} else f"{_boot_id()}:{after_name[19]}"


@cache
def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "boot"


def _start_from_ps(pid: int) -> str | None:
    import subprocess  # noqa: PLC0415 - only where there is no /proc

    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def is_alive(pid: int, start: str | None) -> bool:
    """Tell whether the process that started then still runs on this machine.

    Args:
        pid: Its process id.
        start: What `get_process_start` said of it; None asks for the id alone.
    """
    current = get_process_start(pid)
    if current is not None:
        return start is None or current == start
    return start is None and _has_process(pid)


def _has_process(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
