"""Files of git lfs, of which a checkout may have the pointers only."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from forge_core.git.command import Git

POINTER = b"version https://git-lfs.github.com/spec/"
"""How a file begins that git lfs has not put its content in the place of."""

TRACKED = ("--no-literal-pathspecs", "ls-files", "-z", "--", ":(top,attr:filter=lfs)")
"""The command that lists the files which attributes give to git lfs."""


def list_pointers(repo: Path, most: int) -> list[str]:
    """List files of a checkout that are pointers, so that tests do not find their content.

    Args:
        repo: The checkout.
        most: Files to name at most.
    """
    return list(islice(_find_pointers(repo), most))


def _find_pointers(repo: Path) -> Iterator[str]:
    for path in filter(None, Git(repo).run(*TRACKED).split("\0")):
        with suppress(OSError), (repo / path).open("rb") as file:
            if file.read(len(POINTER)) == POINTER:
                yield path
