"""An overview of a repository's files with sizes, within a token budget."""

from collections.abc import Sequence
from dataclasses import dataclass

from forge_core.context.sections import estimate_tokens


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of the worktree."""

    path: str
    """Relative to the worktree, parts joined by '/'."""
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The overview that fits its budget."""

    text: str
    tokens: int


def build_listing(files: Sequence[FileEntry], budget: int, chars_per_token: float) -> Listing:
    """List files as deep as the budget allows.

    Directories too deep to fit are shown as one line each, with the number and the total
    size of their files. A budget that takes not even the top level cuts the list and says so.
    """
    deepest = max((entry.path.count("/") for entry in files), default=0)
    for depth in range(deepest, -1, -1):
        lines = _lines(files, depth)
        text = "\n".join(lines)
        tokens = estimate_tokens(text, chars_per_token)
        if tokens <= budget:
            return Listing(text, tokens)
    return _cut(_lines(files, 0), budget, chars_per_token)


def format_size(size: int) -> str:
    """Format a number of bytes for reading."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def _lines(files: Sequence[FileEntry], depth: int) -> list[str]:
    shallow: dict[str, str] = {}
    deep: dict[str, list[int]] = {}
    for entry in files:
        parts = entry.path.split("/")
        if len(parts) - 1 <= depth:
            shallow[entry.path] = f"{entry.path} ({format_size(entry.size)})"
        else:
            deep.setdefault("/".join(parts[: depth + 1]) + "/", []).append(entry.size)
    for directory, sizes in deep.items():
        plural = "s" if len(sizes) > 1 else ""
        shallow[directory] = f"{directory} ({len(sizes)} file{plural}, {format_size(sum(sizes))})"
    return [shallow[path] for path in sorted(shallow)]


def _cut(lines: Sequence[str], budget: int, chars_per_token: float) -> Listing:
    kept = len(lines)
    while kept:
        kept -= 1
        text = "\n".join([*lines[:kept], f"… and {len(lines) - kept} more entries"])
        tokens = estimate_tokens(text, chars_per_token)
        if tokens <= budget:
            return Listing(text, tokens)
    return Listing("", 0)
