"""The options of ``forge blame``, and what it takes as a file."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from forge_core.errors import UsageError

LINES = re.compile(r"(?P<file>.+):(?P<first>\d{1,9})(?:-(?P<last>\d{1,9}))?", re.DOTALL)

PLACE = re.compile(r"(?P<file>.+?):(?P<first>\d{1,9})(?P<last>)(?::\d{1,9})?:?", re.DOTALL)
"""A place as compilers and linters name it, with a column."""


@dataclass(frozen=True, slots=True)
class FileLines:
    """A file, or some of its lines."""

    file: Path
    first: int | None = None
    """Counted from 1; None for all lines."""
    last: int | None = None


def parse_file_lines(text: str, exists: Callable[[str], bool]) -> FileLines:
    """Read `FILE`, `FILE:LINE`, `FILE:LINE-LINE` or `FILE:LINE:COLUMN`.

    Args:
        text: What the user wrote.
        exists: Returns whether there is a file that is called so, whatever its name ends in.

    Raises:
        UsageError: The lines cannot be.
    """
    match = None if exists(text) else LINES.fullmatch(text)
    if not exists(text) and (match is None or not exists(match["file"])):
        match = PLACE.fullmatch(text) or match
    if match is None:
        return FileLines(Path(text))
    first, last = int(match["first"]), int(match["last"] or match["first"])
    if not 1 <= first <= last:
        raise UsageError(f"{text!r} names no lines: they are counted from 1, the first one first")
    return FileLines(Path(match["file"]), first, last)
