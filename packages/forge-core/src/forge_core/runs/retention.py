"""What the state directory holds of single runs, and removing it once their run has ended.

One directory serves every store, so that a store knows some of its runs only. The embedded server
knows them all: a run that it calls open, or that it cannot be asked about, keeps its files.

See D64.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from forge_core.errors import InfrastructureError, ServerUnavailable
from forge_core.runs.connection import connected_to_embedded
from forge_core.runs.ownership import find_owner
from forge_core.state_dir.files import RUN_NAME, RUN_SUFFIXES, StateFiles
from forge_core.temporal_client.inspector import RunInspector
from forge_core.temporal_client.payload_store import SHARED_RUN

_HASHED = re.compile(r"id-[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much there is of runs."""

    runs: int
    bytes: int


def list_old_runs(files: StateFiles, older_than: datetime) -> list[str]:
    """Return the runs whose files were last written before a moment.

    Those that a process executes are left out, and so is what does not bear a workflow's id:
    payloads of no workflow, and of an id that had to be hashed.
    """
    directories = (files.payloads, files.answers)
    named = {name for directory in directories for name in _list_names(directory, "")}
    named |= {name for suffix in RUN_SUFFIXES for name in _list_names(files.runs, suffix)}
    return sorted(name for name in named if _is_old(files, name, older_than.timestamp()))


async def find_ended_runs(
    files: StateFiles, names: Sequence[str], older_than: datetime
) -> list[str]:
    """Ask the embedded server, started if need be, which runs ended before a moment.

    Args:
        files: Of its state directory.
        names: Runs, as `list_old_runs` names them.
        older_than: The moment, with a time zone.

    Raises:
        ServerUnavailable: The server cannot be started, does not answer, or has lost its memory.
    """
    if not files.database.exists():
        raise ServerUnavailable(f"the embedded server's database {files.database} is missing")
    async with connected_to_embedded("db prune") as connection:
        return await choose_ended(connection.inspector, names, older_than)


async def choose_ended(
    inspector: RunInspector, names: Sequence[str], older_than: datetime
) -> list[str]:
    """Choose the runs that ended before a moment, or that the server has forgotten since.

    It forgets none that is open.

    Raises:
        ServerUnavailable: The server does not answer.
    """
    closed_at = await inspector.list_close_times(names)
    ended = {name for name, moment in closed_at.items() if moment and moment < older_than}
    return [name for name in names if name in ended or name not in closed_at]


def measure(files: StateFiles, names: Sequence[str]) -> Holdings:
    """Measure what there is of runs."""
    return Holdings(len(names), sum(_size(path) for name in names for path in _paths(files, name)))


def remove(files: StateFiles, names: Sequence[str], older_than: datetime) -> Holdings:
    """Remove all that is kept of runs that have ended.

    A run whose files were written since `older_than` after all is left alone.

    Raises:
        InfrastructureError: Something cannot be removed; what was removed by then is gone.
    """
    still_old = set(list_old_runs(files, older_than))
    old_names = [name for name in names if name in still_old]
    removed = measure(files, old_names)
    for name in old_names:
        for path in _paths(files, name):
            _remove(path)
    return removed


def _list_names(directory: Path, suffix: str) -> Iterator[str]:
    if not directory.is_dir():
        return
    for path in directory.iterdir():
        name = path.name.removesuffix(suffix)
        is_ours = path.is_file() if suffix else path.is_dir()
        if path.name == name + suffix and is_ours and not path.is_symlink() and _is_id(name):
            yield name


def _is_id(name: str) -> bool:
    """Return whether a name is a workflow's id, as `forge run` makes them."""
    return bool(RUN_NAME.fullmatch(name)) and not _HASHED.fullmatch(name) and name != SHARED_RUN


def _is_old(files: StateFiles, name: str, moment: float) -> bool:
    written = max((path.stat().st_mtime for path in _paths(files, name)), default=moment)
    return written < moment and find_owner(files, name) is None


def _paths(files: StateFiles, name: str) -> list[Path]:
    kept = (files.payloads / name, files.answers / name)
    of_run = (files.runs / f"{name}{suffix}" for suffix in RUN_SUFFIXES)
    return [path for path in (*kept, *of_run) if path.exists()]


def _size(path: Path) -> int:
    parts = path.iterdir() if path.is_dir() else (path,)
    return sum(part.stat().st_size for part in parts)


def _remove(path: Path) -> None:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        raise InfrastructureError(f"cannot remove {path}: {error.strerror}") from error
