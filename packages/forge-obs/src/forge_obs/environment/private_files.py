"""Files and directories that nobody but their owner may read, whatever the umask says."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from forge_obs.errors import StoreUnavailable

FILE_MODE: Final = 0o600
_DIRECTORY_MODE: Final = 0o700


def refuse_device(path: Path) -> None:
    """Raise if a device, pipe or socket stands at a path, beside which nothing is to be written.

    Raises:
        StoreUnavailable: One does.
    """
    with suppress(OSError, ValueError):  # what opens the file says that better
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise StoreUnavailable(f"{path} is a device or a pipe: choose a file for the store")


def make_directory(directory: Path) -> None:
    """Make a directory and its missing parents; those that exist are left as they are.

    Raises:
        OSError: One cannot be made.
    """
    for missing in reversed([p for p in (directory, *directory.parents) if not p.exists()]):
        try:
            missing.mkdir(mode=_DIRECTORY_MODE)
        except FileExistsError:
            continue
        missing.chmod(_DIRECTORY_MODE)


def make_file(path: Path) -> None:
    """Make an empty file.

    Raises:
        FileExistsError: There is something already; it is left as it is.
        OSError: It cannot be made.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE)
    try:
        os.fchmod(descriptor, FILE_MODE)
    finally:
        os.close(descriptor)


def tighten(path: Path) -> None:
    """Keep others from an existing file, if it is regular and ours; never opens it."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
    if ours and stat.S_IMODE(status.st_mode) != FILE_MODE:
        path.chmod(FILE_MODE)
