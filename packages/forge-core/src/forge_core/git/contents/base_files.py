"""Reading files of a commit as a checkout has them."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from forge_core.files.paths import is_plain
from forge_core.git.command import Git
from forge_core.git.contents.partial_clone import prefetch
from forge_core.models.call.context import FILE_LIMIT_BYTES
from forge_core.models.changes import BaseFile

REGULAR_MODES = frozenset({"100644", "100755"})
"""Git's modes of files that are neither links nor submodules."""

SPARSE = "S "
"""How ``git ls-files -t`` lists a file that is not checked out."""

EXECUTABLE_MODE = "100755"


def read_base_files(worktree: Path, commit: str, paths: Sequence[str]) -> dict[str, BaseFile]:
    """Read those of the paths that are regular files of a commit, sparse ones included.

    Contents are those of a checkout: line endings and filters are applied. The worktree is not
    looked at, so that what an earlier attempt wrote there makes no difference.

    Args:
        worktree: Whose attributes and configuration apply.
        commit: Its hash, or a name of it.
        paths: As a model named them; one that may not be written anywhere is left out.
    """
    git = Git(worktree)
    plain = list(filter(is_plain, paths))
    if not plain:
        return {}
    prefetch(worktree, commit, plain)
    listing = git.run("ls-tree", "-z", commit, "--", *plain)
    return {
        path: BaseFile(git.read("cat-file", "--filters", f"{commit}:{path}"), executable)
        for path, executable in _parse_listing(listing)
    }


def read_sparse_text(worktree: Path, path: str) -> str | None:
    """Read a text that the commit has and a sparse checkout leaves out; None if it is none."""
    entry = Git(worktree).run("ls-files", "-t", "--", path) if is_plain(path) else ""
    is_sparse = entry.startswith(SPARSE)
    file = read_base_files(worktree, "HEAD", [path]).get(path) if is_sparse else None
    if file is None or len(file.content) > FILE_LIMIT_BYTES or b"\0" in file.content:
        return None
    with suppress(UnicodeDecodeError):
        return file.content.decode()
    return None


def _parse_listing(listing: str) -> Iterator[tuple[str, bool]]:
    """Parse entries of mode, type, id, a tab and the path; give the regular files."""
    for entry in filter(None, listing.split("\0")):
        attributes, path = entry.split("\t", 1)
        mode = attributes.split()[0]
        if mode in REGULAR_MODES:
            yield path, mode == EXECUTABLE_MODE
