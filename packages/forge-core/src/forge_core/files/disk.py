"""Telling a full disk, which somebody can make room on, from failures that last."""

import errno
import os
from pathlib import Path

from forge_core.errors import DiskFull

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Error numbers of a disk, or of a user's share of one, that takes no more."""

MESSAGES = ("No space left on device", "Out of diskspace", "Disk quota exceeded")
"""What git says of it, in the C locale."""

SCARCE_BYTES = 100_000
"""Free space below which a failure to write counts as a full disk, though nobody says so."""


def find_full_disk(error: OSError) -> DiskFull | None:
    """Describe an error caused by a full disk; None for any other; pure."""
    if error.errno not in FULL:
        return None
    where = f": {error.filename}" if error.filename else ""
    return DiskFull(f"{error.strerror}{where}")


def is_full(directory: Path, wanted_bytes: int = SCARCE_BYTES) -> bool:
    """Return whether the disk of a directory has no room for files, or for so many bytes."""
    try:
        disk = os.statvfs(directory)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < wanted_bytes or (disk.f_files > 0 and not disk.f_favail)
