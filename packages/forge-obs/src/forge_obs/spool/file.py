"""The spool: a bounded file beside the database for entries that it cannot take now.

Whoever appends, drains or removes it holds its lock, `flock` on the file itself, so that threads
and processes exclude each other alike and a killed one leaves no lock behind. What cannot be
spooled either is counted in a second file, whose length is the count: a sparse file grows on a
full disk, too, and its modification time tells of the last loss.

See D49.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Final

from forge_obs.errors import SpoolUnavailable
from forge_obs.model.entries import Entry
from forge_obs.spool.file_lock import locked
from forge_obs.spool.format import (
    HEADER_BYTES,
    Backlog,
    decode_entry,
    decode_header,
    encode_entry,
    encode_header,
)

MAX_BYTES: Final = 256 * 1024 * 1024
"""How long the file may become."""

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


def append(db_path: Path, entry: Entry, *, timeout_s: float) -> None:
    """Put an entry at the end of the spool.

    Args:
        db_path: Path of the database.
        entry: The clean row.
        timeout_s: How long to wait for others that use the spool, in seconds.

    Raises:
        SpoolUnavailable: It is full, kept busy, or cannot be made or written.
    """
    path = get_spool_path(db_path)
    line = encode_entry(entry)
    with _telling(path), locked(path, os.O_CREAT, time.monotonic() + timeout_s) as descriptor:
        _append(path, descriptor, line)


def _append(path: Path, descriptor: int, line: bytes) -> None:
    size = os.fstat(descriptor).st_size
    start, block = size, line
    if size < HEADER_BYTES:
        start, block = 0, encode_header(HEADER_BYTES) + line
    elif os.pread(descriptor, 1, size - 1) != b"\n":
        block = b"\n" + line  # a kill tore the last line: it must not spoil this one
    if start + len(block) > MAX_BYTES:
        raise SpoolUnavailable(f"{path} is full")
    try:
        _write(descriptor, block, start)
    except OSError:
        os.ftruncate(descriptor, size)
        if size == 0:
            path.unlink()
        raise


def _write(descriptor: int, block: bytes, start: int) -> None:
    rest = memoryview(block)
    while rest:
        written = os.pwrite(descriptor, rest, start)
        rest, start = rest[written:], start + written


def has_entries(db_path: Path) -> bool:
    """Tell whether there is a spool; costs one look at the directory."""
    # On the path of every record: a path object and an exception would cost four times as much.
    try:
        return os.access(f"{db_path}{_SPOOL}", os.F_OK)
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
        Whether nothing waits any more.

    Raises:
        SpoolUnavailable: It cannot be read or written.
    """
    path = get_spool_path(db_path)
    with ExitStack() as stack:
        try:
            descriptor = stack.enter_context(locked(path, 0, time.monotonic() + timeout_s))
        except FileNotFoundError:
            return True
        except TimeoutError:
            return False
        except OSError as error:
            raise _tell(path, error) from error
        file = stack.enter_context(os.fdopen(descriptor, "rb", closefd=False))
        return _drain(path, file, save, lose, time.monotonic() + budget_s)


def _drain(
    path: Path,
    file: BufferedReader,
    save: Callable[[Entry], bool],
    lose: Callable[[int], None],
    give_up: float,
) -> bool:
    with _telling(path):
        size = os.fstat(file.fileno()).st_size
        position = decode_header(file.read(HEADER_BYTES), size)
        file.seek(position)
    unusable = done = 0
    try:
        while position < size and (done < _LEAST or time.monotonic() < give_up):
            with _telling(path):
                line = file.readline()
            unusable += not _hand_over(line, save)
            position += len(line)
            done += 1
    finally:
        with _telling(path):
            _advance(path, file.fileno(), position, size)
        if unusable:
            lose(unusable)
    return position >= size


def _hand_over(line: bytes, save: Callable[[Entry], bool]) -> bool:
    if not line.strip():
        return True
    entry = decode_entry(line)
    return entry is not None and save(entry)


def _advance(path: Path, descriptor: int, position: int, size: int) -> None:
    if position >= size:
        path.unlink()
    else:
        _write(descriptor, encode_header(position), 0)


def add_lost(db_path: Path, number: int, *, timeout_s: float = _COUNT_S) -> None:
    """Add to the count of lost entries that every process sees.

    Args:
        db_path: Path of the database.
        number: How many.
        timeout_s: How long to wait for others that count, in seconds.

    Raises:
        SpoolUnavailable: There is no place for it.
    """
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
        return Backlog(_count_pending(path), lost, last_lost_at)


def _read_lost(path: Path) -> tuple[int, datetime | None]:
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return 0, None
    if not stat.S_ISREG(found.st_mode) or not found.st_size:
        return 0, None
    return found.st_size, datetime.fromtimestamp(found.st_mtime, UTC)


def _count_pending(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return 0
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise SpoolUnavailable(f"{path} is no file of Forge's: move it away")
        file.seek(decode_header(file.read(HEADER_BYTES), found.st_size))
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
