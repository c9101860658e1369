"""Which kind of file system holds a path, from what Linux says of its mounts."""

import re
from pathlib import PurePath
from typing import Final

NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "coda", "ceph", "lustre", "glusterfs"}
    | {"gfs2", "ocfs2", "beegfs", "gpfs", "orangefs", "pvfs2"}
    | {f"fuse.{name}" for name in ("sshfs", "glusterfs", "ceph-fuse", "s3fs", "rclone", "gcsfuse")}
    | {f"fuse.{name}" for name in ("juicefs", "moosefs", "mfs", "davfs", "davfs2", "blobfuse2")}
)
"""File systems that several machines can share: SQLite's WAL mode needs memory in common."""

_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


def find_file_system(mountinfo: str, path: str) -> str | None:
    """Name the type of the file system that a path is on.

    Args:
        mountinfo: Text in the form of `/proc/self/mountinfo`, see proc_pid_mountinfo(5).
        path: Absolute, without links.

    Returns:
        The type, such as `ext4` or `nfs4`; None if no mount holds the path.
    """
    file_system, deepest = None, -1
    for line in mountinfo.splitlines():
        mount, separator, source = line.partition(" - ")
        fields = mount.split(" ")
        if not separator or len(fields) < 5:
            continue
        point = PurePath(_ESCAPE.sub(lambda octal: chr(int(octal[1], 8)), fields[4]))
        # A later mount at the same point hides the earlier one.
        if PurePath(path).is_relative_to(point) and len(point.parts) >= deepest:
            file_system, deepest = source.split(" ")[0], len(point.parts)
    return file_system
