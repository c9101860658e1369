"""Who uses the embedded server: a note beside each lease, true while its writer lives.

See D55.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from forge_core.files.private import make_private
from forge_core.locks.held_file import held_file, read_held
from forge_core.state_dir.files import StateFiles


@dataclass(frozen=True, slots=True)
class Lease:
    """A process that uses the server."""

    pid: int
    purpose: str
    """What for, in a few words."""


@contextmanager
def noted_lease(files: StateFiles, purpose: str) -> Iterator[None]:
    """Note in the state directory that this process uses the server, until the block ends."""
    make_private(files.holders)
    name = f"{os.getpid()}-{secrets.token_hex(4)}"
    with held_file(files.holders / name, purpose):
        yield


def list_leases(files: StateFiles) -> list[Lease]:
    """List the living processes that use the server, oldest process id first."""
    try:
        paths = [path for path in files.holders.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []
    notes = [(path, read_held(path)) for path in paths]
    for path, text in notes:
        if text is None:
            path.unlink(missing_ok=True)
    leases = [Lease(_read_pid(path.name), text) for path, text in notes if text is not None]
    return sorted(leases, key=lambda lease: lease.pid)


def _read_pid(name: str) -> int:
    pid = name.partition("-")[0]
    return int(pid) if pid.isascii() and pid.isdigit() else 0
