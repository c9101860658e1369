"""Files that a path which names none may have been meant for; pure."""

import posixpath
from collections.abc import Collection

MOST_NAMED = 3
"""Most files that are proposed."""

MOST_COMPARED = 5_000
"""Files up to which all are compared; of more, only those of the directory."""


def list_near_files(path: str, files: Collection[str]) -> list[str]:
    """List the files whose paths are nearest to one that names none.

    Args:
        path: Of a file that does not exist.
        files: All files there are.
    """
    import difflib  # noqa: PLC0415 - for a mistake only

    directory, name = posixpath.split(path)
    moved = [file for file in files if posixpath.basename(file) == name]
    beside = {posixpath.basename(f): f for f in files if posixpath.dirname(f) == directory}
    misspelt = [beside[near] for near in difflib.get_close_matches(name, beside, MOST_NAMED, 0.75)]
    elsewhere = (
        difflib.get_close_matches(path, files, MOST_NAMED, 0.85)
        if len(files) <= MOST_COMPARED
        else []
    )
    return list(dict.fromkeys([*misspelt, *moved, *elsewhere]))[:MOST_NAMED]


def describe_new_target(path: str, files: Collection[str]) -> str:
    """Say that a target file is new, and what else may have been meant."""
    parts = path.split(",")
    if len(parts) > 1 and any(part in files for part in parts):
        return f"target file {path!r} is new: give --target-file once for each of several files"
    near = list_near_files(path, files)
    proposal = f": did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"target file {path!r} is new{proposal}"
