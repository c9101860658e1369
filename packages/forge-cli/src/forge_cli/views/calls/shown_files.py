"""What a prompt showed of files, read back from its text; pure.

A prompt is sections under headings, with files in fences that nothing inside can close. What stands
inside a fence is never taken for a heading.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

HEADING = re.compile(r"## [^:]+: (?P<path>.+?)(?P<part> \((?:parts of it|signatures only),.*\))?")

PART = re.compile(r"### lines (?P<first>\d+)\W\d+ of \d+")

FENCE = re.compile(r"(?P<ticks>`{3,})\w*")

REFUSED = "## Refused"
"""How sections begin that show what an answer wrote instead of what stands there."""


@dataclass(frozen=True, slots=True)
class ShownPart:
    """Lines of a file in a prompt."""

    text: str
    first: int = 1
    """Number of the first of them in the file."""
    is_whole: bool = False


def read_shown_files(prompt: str) -> dict[str, list[ShownPart]]:
    """Return what a prompt shows of each file, what it shows last coming first."""
    shown: dict[str, list[ShownPart]] = {}
    for path, part in _list_parts(prompt):
        shown.setdefault(path, []).insert(0, part)
    return shown


def _list_parts(prompt: str) -> Iterator[tuple[str, ShownPart]]:
    path, is_partial, first = "", False, 0
    for line, block in walk(prompt):
        heading, part = HEADING.fullmatch(line), PART.fullmatch(line)
        if line.startswith("## "):
            path = heading["path"] if heading and not line.startswith(REFUSED) else ""
            is_partial, first = bool(heading and heading["part"]), 0
        elif part is not None:
            is_partial, first = True, int(part["first"])
        elif block is not None and path and (first or not is_partial):
            yield path, ShownPart(block, first or 1, is_whole=not is_partial)
            first = 0


def walk(prompt: str) -> Iterator[tuple[str, str | None]]:
    """Give every line outside of fences, and for each fence what is inside."""
    lines = iter(prompt.split("\n"))
    for line in lines:
        fence = FENCE.fullmatch(line)
        if fence is None:
            yield line, None
            continue
        block = list(_take_until(lines, fence["ticks"]))
        yield line, "".join(f"{text}\n" for text in block)


def _take_until(lines: Iterator[str], end: str) -> Iterator[str]:
    for line in lines:
        if line == end:
            return
        yield line
