"""The spool: bounded files beside the database for entries that it cannot take now.

Whoever appends to one, drains or removes it holds its lock, `flock` on the file itself, so that
threads and processes exclude each other alike and a killed one leaves no lock behind. All share one
file; where that stays busy, or is somebody else's, a process makes one of its own. The shared file
stands as long as any of them does, so that one look tells whether entries wait. What cannot be
spooled either is counted in a file whose length is the count: a sparse file grows on a full disk,
too, and its modification time tells of the last loss.

See D49.
"""

import os
import stat
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from errno import ETIMEDOUT
from itertools import accumulate
from pathlib import Path
from typing import Final

from forge_obs.environment.locked_file import locked
from forge_obs.environment.private_files import make_file, refuse_device
from forge_obs.errors import SpoolUnavailable
from forge_obs.model.entries import Entry
from forge_obs.spool.format import (
    HEADER_BYTES,
    Backlog,
    decode_entry,
    decode_header,
    encode_entry,
    encode_header,
)

MAX_BYTES: Final = 256 * 1024 * 1024
"""How long the shared file may become, and those of all processes together."""

LONG_BYTES: Final = MAX_BYTES // 4
"""From this length on an entry goes past those that wait, if the database takes it."""

_SHARED_S: Final = 0.25
"""How long to wait for the shared file before a process makes its own, in seconds."""

_MOST_OWN: Final = 8
"""Files of its own that a process makes at most."""

_SPOOL: Final = "-spool"
_CHUNK: Final = 1 << 20
_COUNT_S: Final = 0.05

_LEAST: Final = 2
"""Entries of a batch at least: who drains before it appends one gets ahead."""


def get_spool_path(db_path: Path) -> Path:
    """Name the file of waiting entries."""
    return Path(f"{db_path}{_SPOOL}")


def get_lost_path(db_path: Path) -> Path:
    """Name the file whose length is the number of lost entries; remove it to count anew."""
    return Path(f"{db_path}-lost")


def append(db_path: Path, entries: Sequence[Entry], *, timeout_s: float) -> int:
    """Put entries at the end of the spool.

    Args:
        db_path: Path of the database.
        entries: Clean rows.
        timeout_s: How long to wait for others that use the spool, in seconds.

    Returns:
        How many, from the first one on, were put there: as many as there is room for.

    Raises:
        StoreUnavailable: It has no room for the first, is kept busy, or cannot be made or written.
    """
    refuse_device(db_path)
    path = get_spool_path(db_path)
    lines = [encode_entry(entry) for entry in entries]
    give_up = time.monotonic() + min(timeout_s, _SHARED_S)
    with _telling(path):
        try:
            with locked(path, os.O_CREAT, give_up) as descriptor:
                return _append(path, descriptor, lines, MAX_BYTES)
        except OSError:
            return _append_to_own(path, lines)


def _append_to_own(shared: Path, lines: Sequence[bytes]) -> int:
    """Use a file of this process; another one while that is drained, or what holds it is paused."""
    files = _list_own(shared)
    for number in range(_MOST_OWN):
        path = Path(f"{shared}-{os.getpid()}-{number}")
        most = MAX_BYTES - sum(_get_size(file) for file in files if file != path)
        with (
            suppress(TimeoutError),
            locked(path, os.O_CREAT, time.monotonic()) as descriptor,
        ):
            taken = _append(path, descriptor, lines, most)
            _show(shared)
            return taken
    raise TimeoutError(ETIMEDOUT, "kept busy by others")


def _show(shared: Path) -> None:
    """Let a look at the shared file tell that entries wait in others."""
    with suppress(FileExistsError):
        make_file(shared)


def _list_own(shared: Path) -> list[Path]:
    """List the files that processes of this user made because the shared one was busy."""
    prefix = f"{shared.name}-"
    with os.scandir(shared.parent) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(prefix)]
    files = [shared.with_name(name) for name in sorted(names)]
    return [file for file in files if _is_ours(file)]


def _is_ours(file: Path) -> bool:
    with suppress(FileNotFoundError):
        return file.lstat().st_uid == os.geteuid()
    return False


def _get_size(file: Path) -> int:
    with suppress(FileNotFoundError):
        return file.lstat().st_size
    return 0


def _append(path: Path, descriptor: int, lines: Sequence[bytes], most: int) -> int:
    """Write the lines that a file of so many bytes has room for; returns how many."""
    size = os.fstat(descriptor).st_size
    start, before = size, b""
    if size < HEADER_BYTES:
        start, before = 0, encode_header(HEADER_BYTES)
    elif os.pread(descriptor, 1, size - 1) != b"\n":
        before = b"\n"  # a kill tore the last line: it must not spoil this one
    ends = accumulate(map(len, lines), initial=start + len(before))
    taken = bisect_right(list(ends), most) - 1
    if taken < 1:
        raise SpoolUnavailable(f"{path} is full")
    while True:
        try:
            _write(descriptor, before + b"".join(lines[:taken]), start)
        except OSError:
            os.ftruncate(descriptor, size)
            if taken == 1:
                if size == 0:
                    path.unlink()
                raise
            taken //= 2  # there may be a little room on the disk
        else:
            return taken


def _write(descriptor: int, block: bytes, start: int) -> None:
    rest = memoryview(block)
    while rest:
        written = os.pwrite(descriptor, rest, start)
        rest, start = rest[written:], start + written


def has_entries(db_path: Path) -> bool:
    """Return whether there is a spool; costs one look at the directory."""
    # On the path of every record: a path object and an exception would cost four times as much.
    try:
        return os.access(f"{db_path}{_SPOOL}", os.F_OK, follow_symlinks=False)
    except ValueError:
        return False


def drain(
    db_path: Path,
    save: Callable[[Entry], bool],
    lose: Callable[[int], None],
    *,
    budget_s: float,
    timeout_s: float,
) -> bool:
    """Hand over waiting entries, oldest first, and forget those that were taken.

    None is handed over while another thread or process is at it. A kill on the way hands some
    over again, which merging by key makes harmless. The file is removed with its last entry.

    Args:
        db_path: Path of the database.
        save: Stores an entry, or gives False for one that no database takes; what it raises ends
            the batch before that entry.
        lose: Told, at the end, of how many lines hold no entry, or one that no database takes.
        budget_s: After that many seconds the batch ends, with two entries at least.
        timeout_s: How long to wait for others that use the spool, in seconds.

    Returns:
        Whether nothing waits any more that this user may read.

    Raises:
        SpoolUnavailable: It cannot be read or written.
    """
    shared = get_spool_path(db_path)
    batch = _Batch(save, time.monotonic() + budget_s)
    try:
        return _drain_all(shared, batch, timeout_s)
    finally:
        if batch.unusable:
            lose(batch.unusable)


@dataclass
class _Batch:
    """Entries that are handed over in one go."""

    save: Callable[[Entry], bool]
    give_up: float
    done: int = 0
    unusable: int = 0

    def goes_on(self) -> bool:
        """Return whether there is time for one more; the first few are always taken."""
        return self.done < _LEAST or time.monotonic() < self.give_up

    def hand_over(self, line: bytes) -> None:
        """Save the entry of a line, and count one that cannot be."""
        if line.strip():
            entry = decode_entry(line)
            self.unusable += entry is None or not self.save(entry)
        self.done += 1


def _drain_all(shared: Path, batch: _Batch, timeout_s: float) -> bool:
    try:
        with locked(shared, 0, time.monotonic() + timeout_s) as descriptor:
            if not _drain(shared, descriptor, batch):
                return False
            if not all(_drain_own(path, batch) for path in _list_own(shared)):
                return False
            shared.unlink()
            if _list_own(shared):  # made while the shared file was still there
                _show(shared)
                return False
            return True
    except FileNotFoundError:
        return True
    except TimeoutError:
        return False
    except OSError:
        # Somebody else's, who stores what waits there, or no file: ours wait elsewhere.
        return all(_drain_own(path, batch) for path in _list_own(shared))


def _drain_own(path: Path, batch: _Batch) -> bool:
    """Drain a file of one process, and remove it; False if something still waits in it."""
    try:
        with locked(path, 0, time.monotonic()) as descriptor:
            if not _drain(path, descriptor, batch):
                return False
            path.unlink()
            return True
    except FileNotFoundError:
        return True
    except TimeoutError:
        return False


def _drain(path: Path, descriptor: int, batch: _Batch) -> bool:
    """Hand over the lines of a file that is locked; False if some are left."""
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        with _telling(path):
            size = os.fstat(descriptor).st_size
            position = decode_header(file.read(HEADER_BYTES), size)
            file.seek(position)
        try:
            while position < size and batch.goes_on():
                with _telling(path):
                    line = file.readline()
                batch.hand_over(line)
                position += len(line)
        finally:
            with _telling(path):
                _advance(descriptor, position, size)
    return position >= size


def _advance(descriptor: int, position: int, size: int) -> None:
    if position >= size:
        os.ftruncate(descriptor, 0)
    else:
        _write(descriptor, encode_header(position), 0)


def add_lost(db_path: Path, number: int, *, timeout_s: float = _COUNT_S) -> None:
    """Add to the count of lost entries that every process sees.

    Args:
        db_path: Path of the database.
        number: How many.
        timeout_s: How long to wait for others that count, in seconds.

    Raises:
        StoreUnavailable: There is no place for it.
    """
    refuse_device(db_path)
    path = get_lost_path(db_path)
    with _telling(path), locked(path, os.O_CREAT, time.monotonic() + timeout_s) as descriptor:
        os.ftruncate(descriptor, os.fstat(descriptor).st_size + number)


def read_backlog(db_path: Path) -> Backlog:
    """Count what waits and what is lost, changing nothing.

    Raises:
        SpoolUnavailable: The spool cannot be read.
    """
    path = get_spool_path(db_path)
    with _telling(path):
        lost, last_lost_at = _read_lost(get_lost_path(db_path))
        pending = sum(map(_count_pending, list_files(db_path)))
        return Backlog(pending, lost, last_lost_at)


def is_long(db_path: Path) -> bool:
    """Return whether so much waits that more of it might find no room."""
    return sum(map(_get_size, list_files(db_path))) >= LONG_BYTES


def list_files(db_path: Path) -> list[Path]:
    """List the files in which entries wait, or would."""
    shared = get_spool_path(db_path)
    return [shared, *_list_own(shared)] if has_entries(db_path) else [shared]


def _read_lost(path: Path) -> tuple[int, datetime | None]:
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return 0, None
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return 0, None
    return status.st_size, datetime.fromtimestamp(status.st_mtime, UTC)


def _count_pending(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return 0
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SpoolUnavailable(f"{path} is no file of Forge's: move it away")
        file.seek(decode_header(file.read(HEADER_BYTES), status.st_size))
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(_CHUNK), b""))


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise _tell(path, error) from error


def _tell(path: Path, error: OSError | ValueError) -> SpoolUnavailable:
    reason = getattr(error, "strerror", None) or type(error).__name__
    return SpoolUnavailable(f"{path}: {reason}")
