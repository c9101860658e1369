"""Which file system holds a path."""

import pytest
from forge_obs.environment.mounts import NETWORK, find_file_system

MOUNTS = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
40 27 0:40 / /home rw,relatime shared:2 master:1 - nfs4 server:/home rw,vers=4.2
41 40 0:41 / /home/ann/local\040disk rw - xfs /dev/vdb rw
42 27 0:42 / /mnt/c rw,noatime - 9p C:\134 rw,dirsync
43 27 0:43 / /data rw - ext4 /dev/vdc rw
44 27 0:44 / /data rw - fuse.sshfs host:/data rw,user_id=0
broken line
45 27 0:45
"""


@pytest.mark.parametrize(
    ("path", "file_system"),
    [
        ("/var/lib/forge.db", "ext4"),
        ("/home/ann/forge.db", "nfs4"),
        ("/home/ann/local disk/forge.db", "xfs"),
        ("/home/ann/local diskette/forge.db", "nfs4"),
        ("/homely/forge.db", "ext4"),
        ("/mnt/c/forge.db", "9p"),
        ("/data/forge.db", "fuse.sshfs"),
        ("/", "ext4"),
    ],
)
def test_deepest_and_latest_mount_counts(path: str, file_system: str) -> None:
    assert find_file_system(MOUNTS, path) == file_system


def test_path_that_no_mount_holds_has_none() -> None:
    assert find_file_system("", "/x") is None


def test_local_file_systems_are_no_network() -> None:
    assert not NETWORK & {"ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk"}
