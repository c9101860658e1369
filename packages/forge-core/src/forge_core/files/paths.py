"""Paths that a model chose, parsed as the hostile input that they are."""

import re
import unicodedata

from forge_core.errors import RefusedPath

MAX_PATH_BYTES = 1024
MAX_PART_BYTES = 255

RESERVED = re.compile(r'[<>:"|?*\\]')
"""Characters that another system's file names give a meaning."""

INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode categories that a reader of the path would not see."""

MISSING = "does not exist yet"
"""What is said of a path at which nothing stands."""

WORKTREES = ".forge-worktrees"
"""Directory of a checkout that holds the worktrees of all runs."""

GIT_NAME = re.compile(r"\.git|git~[0-9]+")
"""Names under which a file system may know git's own directory."""


def parse_path(path: str) -> tuple[str, ...]:
    """Split a repository-relative path into its parts.

    Raises:
        RefusedPath: It may lead outside the worktree, into git's own files, or is not the
            plain name that it seems to be.
    """
    reason = _find_fault(path)
    if reason:
        raise RefusedPath(f"path {path[:200]!a} is refused: {reason}")
    return tuple(path.split("/"))


def is_plain(path: str) -> bool:
    """Return whether a path may stand in a repository."""
    try:
        parse_path(path)
    except RefusedPath:
        return False
    return True


def fold_path(path: str) -> str:
    """Return what is equal for paths that some file system takes for the same."""
    folded = unicodedata.normalize("NFKC", path).casefold()
    return unicodedata.normalize("NFKC", folded)


def _find_fault(path: str) -> str | None:
    if not path:
        return "it is empty"
    if any(unicodedata.category(char) in INVISIBLE for char in path):
        return "it contains a control or invisible character"
    if RESERVED.search(path):
        return "it contains a reserved character"
    if len(path.encode()) > MAX_PATH_BYTES:
        return "it is too long"
    if path.startswith(("/", "~")):
        return "it is absolute"
    if fold_path(path).split("/")[0] == WORKTREES:
        return "it leads into the worktrees of runs"
    faults = (_find_part_fault(part) for part in path.split("/"))
    return next((fault for fault in faults if fault), None)


def _find_part_fault(part: str) -> str | None:
    if part in {"", ".", ".."}:
        return "it has an empty, '.' or '..' part"
    if len(part.encode()) > MAX_PART_BYTES:
        return "a part is too long"
    if GIT_NAME.fullmatch(_strip_marks(fold_path(part)).rstrip(". ")):
        return "it leads into git's own files"
    if part != part.strip() or part.endswith("."):
        return "a part begins or ends in a blank or ends in a dot"
    if part.startswith("-"):
        return "a part looks like an option"
    return None


def _strip_marks(text: str) -> str:
    """Leave out accents and variation selectors, which are easily overlooked."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if unicodedata.category(char) != "Mn")
