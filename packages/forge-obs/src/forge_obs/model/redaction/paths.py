"""Paths that say who somebody is: a home directory, and where a repository stands; pure."""

import re
from posixpath import basename
from typing import Final

_HOME: Final = re.compile(r"(?:/mnt/[a-z])?/(?:(?:var/|export/)?home|Users)/[^/]+")
"""A home directory at the beginning of a path, as systems name them."""

_SHALLOW: Final = re.compile(r"/?[^/]*/?")
"""What is too short to be looked for: `/root` names nobody, and also stands in other texts."""


class Paths:
    """Paths that are shortened wherever they stand: a repository to its name, a home to `~`.

    Only those that are known count: `/home/page` may be an address of a web page.
    """

    def __init__(self) -> None:
        self._short: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def add_home(self, path: str) -> None:
        """Shorten a home directory from now on."""
        self._add(path.rstrip("/"), "~")

    def add_repository(self, root: str) -> None:
        """Shorten the root of a repository from now on, and the home that it stands in."""
        root = root.rstrip("/")
        if (home := _HOME.match(root)) is not None:
            self.add_home(home[0])
        self._add(root, basename(root))

    def shorten(self, text: str) -> str:
        """Shorten the known paths in a text."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._short[found[0]], text)

    def _add(self, path: str, short: str) -> None:
        if not path.startswith("/") or _SHALLOW.fullmatch(path) or path in self._short:
            return
        self._short[path] = short
        longest_first = sorted(self._short, key=len, reverse=True)
        names = "|".join(map(re.escape, longest_first))
        self._pattern = re.compile(rf"(?<![\w.~-])(?:{names})(?![\w-]|\.\w)")
