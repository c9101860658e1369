"""Files that git ignores: where one stands in a checkout, no commit brings it back."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from forge_core.errors import GitFailed
from forge_core.git.base_files import is_plain
from forge_core.git.command import Git

CHECK = ("--no-literal-pathspecs", "check-ignore", "-z", "--stdin")
"""The command, which cannot be told that paths are literal and takes them so anyway."""

NONE_IGNORED = 1
"""Exit code of ``git check-ignore`` where it has nothing to list."""


def find_ignored(worktree: Path, paths: Sequence[str]) -> list[str]:
    """Find the paths that git ignores, by the worktree's patterns and the user's own.

    One that leads through a link cannot be asked for and is refused elsewhere: then none is found.
    """
    plain = [path for path in paths if is_plain(path)]
    if not plain:
        return []
    listing = "\0".join(plain).encode()
    with suppress(GitFailed):
        output = Git(worktree).read(*CHECK, stdin=listing, answers=(NONE_IGNORED,))
        return list(filter(None, output.decode().split("\0")))
    return []
