"""A database file that is replaced while it is in use: notice it, and part it from the old log.

Somebody moves a backup over the file, copies it into the file, or empties it. SQLite then takes the
write-ahead log beside the file for the new content's, and mixes both. What stands at the path must
become a file that nobody has open, and the log of the old one must not stand beside it. SQLite
leaves a file alone that does not stand at its path any more, so connections to the old one may
close whenever they like. See D70.
"""

import fcntl
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from forge_obs.database.connections import Identity, identify, side_files
from forge_obs.environment import private_files
from forge_obs.environment.locked_file import locked
from forge_obs.errors import StoreUnavailable

_HEADER_BYTES: Final = 100
_STILL_S: Final = 0.1
"""How long a file that is copied into must have been left alone, in seconds."""

_LOOK_S: Final = 0.02


class Watch:
    """Tells whether a path leads to the file that was opened, with what SQLite wrote into it.

    One thread at a time may use it, and none may have it closed while another uses it.

    A file that was overwritten in place is known by its header: of the two counters there SQLite
    only ever raises, a copy made earlier has lower ones, and one made by SQLite starts at 1.

    Args:
        path: The file, which exists.
        identity: Its device and inode.
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        self._file = os.fspath(path)
        self._identity = identity
        # Kept: closing any descriptor of the file would drop the locks of every connection of this
        # process.
        self._descriptor = -1
        self._seen: tuple[int, int] | None = None
        self._counters = (0, 0)

    def is_current(self) -> bool:
        """Return whether nobody but SQLite replaced the file or its content."""
        try:
            status = os.stat(self._file)  # noqa: PTH116 - on the path of every record
        except (FileNotFoundError, NotADirectoryError):
            return False
        if (status.st_dev, status.st_ino) != self._identity:
            return False
        seen = status.st_mtime_ns, status.st_size
        if seen == self._seen:
            return True
        counters = self._read_counters()
        if counters is None or any(
            new < old for new, old in zip(counters, self._counters, strict=True)
        ):
            return False
        self._seen, self._counters = seen, counters
        return True

    def _read_counters(self) -> tuple[int, int] | None:
        """Read how often the content and the schema were changed; None if that was cut off.

        See https://sqlite.org/fileformat2.html, section 1.3. An empty file has no header yet.
        """
        if self._descriptor < 0:
            self._descriptor = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)
        header = os.pread(self._descriptor, _HEADER_BYTES, 0)
        if len(header) < _HEADER_BYTES:
            return None if self._seen is not None and any(self._counters) else (0, 0)
        return int.from_bytes(header[24:28], "big"), int.from_bytes(header[40:44], "big")

    def leave(self, log: Identity | None, timeout_s: float) -> bool:
        """Part what stands at the path now from the old file and its log.

        Args:
            log: Device and inode of the old file's log, which a connection has open; None if none.
            timeout_s: How long to wait for whoever still writes to the file, in seconds.

        Returns:
            Whether a log was set aside; False also where another process did it.

        Raises:
            StoreUnavailable: The content is still being replaced.
            OSError: The disk refuses.
        """
        path = Path(self._file).resolve()
        if identify(self._file) == self._identity:
            self._renew(path, timeout_s)
        return log is not None and _set_aside(path, log, timeout_s)

    def _renew(self, path: Path, timeout_s: float) -> None:
        """Turn content that was written into the old file into a file of its own."""
        give_up = time.monotonic() + timeout_s
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreUnavailable(f"database {path} is being replaced") from None
        try:
            if identify(self._file) == self._identity:
                self._wait_until_still(path, give_up)
                self._copy_over(path)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _wait_until_still(self, path: Path, give_up: float) -> None:
        still_at, state = time.monotonic() + _STILL_S, self._get_state()
        while time.monotonic() < still_at:
            if time.monotonic() >= give_up:
                raise StoreUnavailable(f"database {path} is being replaced")
            time.sleep(_LOOK_S)
            if state != self._get_state():
                still_at, state = time.monotonic() + _STILL_S, self._get_state()

    def _get_state(self) -> tuple[int, int]:
        status = os.fstat(self._descriptor)
        return status.st_mtime_ns, status.st_size

    def _copy_over(self, path: Path) -> None:
        fresh = path.with_name(f"{path.name}-new")
        fresh.unlink(missing_ok=True)
        private_files.make_file(fresh)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        with open(self._descriptor, "rb", closefd=False) as old, fresh.open("r+b") as new:
            shutil.copyfileobj(old, new)
            os.fsync(new.fileno())
        fresh.replace(path)

    def close(self) -> None:
        """Let go of the file, to which no connection of this process is open any more."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _set_aside(path: Path, log: Identity, timeout_s: float) -> bool:
    """Move a log away from a file that it does not belong to; False if it is not there any more.

    SQLite keeps no locks on a log, so that its own inode may be locked: every process that knows
    the old log waits here, and finds it gone.
    """
    log_path, memory_path = side_files(path)
    with (
        suppress(FileNotFoundError),
        locked(log_path, 0, time.monotonic() + timeout_s) as descriptor,
    ):
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) == log:
            memory_path.unlink(missing_ok=True)
            log_path.replace(f"{log_path}-replaced")
            return True
    return False
