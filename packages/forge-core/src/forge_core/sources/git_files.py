"""Listing the files of a commit and of a worktree, with git's ids of their contents."""

import hashlib
import stat
from collections.abc import Collection
from pathlib import Path

from forge_core.context.tree_view import TreeFile
from forge_core.errors import UnreadableFile
from forge_core.files.read import read_bytes
from forge_core.git.command import Git
from forge_core.git.contents.partial_clone import list_missing
from forge_core.models.call.context import FILE_LIMIT_BYTES

REGULAR_MODES = frozenset({"100644", "100755", "100664"})
"""Modes of files in a tree; links and submodules have others."""

OTHER, CHANGED = "?", "C"
"""Tags of ``git ls-files -t`` for files that git does not know, and that differ from its index."""

UNREAD = ""
"""Blob id of a file that is too large to be read, may not be, or is missing in a partial clone."""


def list_commit(root: Path, commit: str) -> list[TreeFile]:
    """List the regular files of a commit, by path.

    Raises:
        GitFailed: There is no such commit.
    """
    missing = list_missing(root, commit)
    if missing:
        return _list_partial_commit(root, commit, missing)
    text = Git(root).run("ls-tree", "-r", "-z", "--long", "--full-tree", commit)
    files = []
    for record in text.split("\0"):
        head, _, path = record.partition("\t")
        mode, _, blob, size = head.split() if head else ("", "", "", "")
        if mode in REGULAR_MODES:
            files.append(TreeFile(path, blob, int(size)))
    return sorted(files, key=lambda file: file.path)


def _list_partial_commit(root: Path, commit: str, missing: Collection[str]) -> list[TreeFile]:
    """List a commit's files of which some contents are missing: these have no id and no size.

    To tell the size of one, git would fetch it.
    """
    git = Git(root)
    blobs: dict[str, str] = {}
    for record in filter(None, git.run("ls-tree", "-r", "-z", "--full-tree", commit).split("\0")):
        head, _, path = record.partition("\t")
        mode, _, blob = head.split()
        if mode in REGULAR_MODES:
            blobs[path] = UNREAD if blob in missing else blob
    present = sorted(set(blobs.values()) - {UNREAD})
    listing = "".join(f"{blob}\n" for blob in present).encode()
    output = git.run("cat-file", "--batch-check=%(objectsize)", stdin=listing)
    sizes = {UNREAD: 0, **dict(zip(present, map(int, output.split()), strict=True))}
    return [TreeFile(path, blob, sizes[blob]) for path, blob in sorted(blobs.items())]


def list_worktree(root: Path) -> list[TreeFile]:
    """List the regular files of a worktree that git does not ignore, by path.

    A file that differs from what git's index says is hashed as git would; one that cannot be
    read, or is larger than a prompt shows, has no id.
    """
    text = Git(root).run(
        "ls-files", "-z", "-t", "--stage", "--modified", "--others", "--exclude-standard"
    )
    tracked: dict[str, str] = {}
    changed: set[str] = set()
    for record in filter(None, text.split("\0")):
        tag, entry = record[0], record[2:]
        if tag == OTHER:
            changed.add(entry)
            continue
        head, _, path = entry.partition("\t")
        mode, blob, _ = head.split(" ")
        if mode in REGULAR_MODES:
            tracked[path] = blob
            changed.update([path] if tag == CHANGED else [])
    length = len(next(iter(tracked.values()), ""))
    files = []
    for path in sorted(changed.union(tracked)):
        size = _measure(root / path)
        if size is not None:
            blob = _hash_file(root, path, size, length) if path in changed else tracked[path]
            files.append(TreeFile(path, blob, size, tracked=path in tracked))
    return files


def hash_blob(content: bytes, id_length: int) -> str:
    """Compute git's id of a content.

    Args:
        content: The bytes of a file.
        id_length: Digits of the repository's ids: 64 with SHA-256, else SHA-1 is used.
    """
    algorithm = hashlib.sha256 if id_length == 64 else hashlib.sha1
    return algorithm(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _hash_file(root: Path, path: str, size: int, id_length: int) -> str:
    if size > FILE_LIMIT_BYTES:
        return UNREAD
    try:
        return hash_blob(read_bytes(root, path), id_length)
    except UnreadableFile:
        return UNREAD


def _measure(path: Path) -> int | None:
    """Return the size of a regular file in bytes, None for anything else."""
    try:
        status = path.lstat()
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
