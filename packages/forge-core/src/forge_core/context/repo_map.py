"""The map of a repository: its best-ranked files with signatures, the others by name.

See D54.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from forge_core.context.sections import estimate_tokens

MAX_LINES = 24
"""Lines of one file's outline that the map shows."""

MAX_LINE_LENGTH = 160
"""Characters of one such line."""

MAX_SUMMED = 8
"""Directories that are named in the count of the files that found no room."""


@dataclass(frozen=True, slots=True)
class MapEntry:
    """A file that the map shows with signatures."""

    path: str
    tokens: int


@dataclass(frozen=True, slots=True)
class RepoMap:
    """The map that fits its budget."""

    text: str = ""
    tokens: int = 0
    outlined: tuple[MapEntry, ...] = ()
    """Files with signatures, the best-ranked first."""
    unnamed: int = 0
    """Files for whose names there was no room."""


NO_MAP = RepoMap()


def build_repo_map(
    files: Sequence[str],
    ranked: Sequence[str],
    read_outline: Callable[[str], str],
    budget: int,
    chars_per_token: float,
) -> RepoMap:
    """Draw the map of a repository.

    Every file is named while there is room, at the latest in half of it; the rest goes to
    signatures. The same input gives the same text.

    Args:
        files: Paths of all files.
        ranked: Paths of those that have outlines, the most important first.
        read_outline: Gives a file's outline; called for few more files than are shown.
        budget: Tokens that the map may take.
        chars_per_token: For the estimate of tokens.
    """
    room = int(budget * chars_per_token)
    order = [*ranked, *sorted(set(files) - set(ranked))]
    draw = _Drawing(order, ranked, read_outline)
    draw.named = _find_most(len(order), lambda number: draw.fits(0, number, room))
    if draw.named < len(order):
        draw.named = _find_most(len(order), lambda number: draw.fits(0, number, room // 2))
    outlined = _find_most(len(ranked), lambda number: draw.fits(number, draw.named, room))
    text = draw.render(outlined, draw.named)
    if len(text) > room:
        return RepoMap(unnamed=len(order))
    entries = tuple(
        MapEntry(path, estimate_tokens(draw.render_file(path), chars_per_token))
        for path in ranked[:outlined]
    )
    unnamed = len(order) - max(draw.named, outlined)
    return RepoMap(text, estimate_tokens(text, chars_per_token), entries, unnamed)


class _Drawing:
    """The map's text for any number of files with signatures and with names."""

    def __init__(
        self, order: Sequence[str], ranked: Sequence[str], read_outline: Callable[[str], str]
    ) -> None:
        self._order = order
        self._ranked = ranked
        self._read_outline = read_outline
        self._drawn: dict[str, str] = {}
        self.named = 0

    def fits(self, outlined: int, named: int, room: int) -> bool:
        """Return whether a map of so many outlines and names has no more characters than that."""
        return len(self.render(outlined, named)) <= room

    def render(self, outlined: int, named: int) -> str:
        """Render outlines of the best files, names up to a number, and how many are left."""
        blocks = [self.render_file(path) for path in self._ranked[:outlined]]
        names = render_names(self._order[outlined:named])
        rest = summarise(self._order[max(outlined, named) :])
        return "\n".join([*blocks, *([names] if names else []), *([rest] if rest else [])])

    def render_file(self, path: str) -> str:
        """Render the outline of one file, which is read once."""
        if path not in self._drawn:
            self._drawn[path] = _shorten(path, self._read_outline(path))
        return self._drawn[path]


def render_names(paths: Sequence[str]) -> str:
    """Render file names, those of one directory on one line."""
    directories: dict[str, list[str]] = {}
    for path in sorted(paths):
        directory, _, name = path.rpartition("/")
        directories.setdefault(directory, []).append(name)
    return "\n".join(
        f"{directory}/: {', '.join(names)}" if directory else ", ".join(names)
        for directory, names in sorted(directories.items())
    )


def summarise(paths: Sequence[str]) -> str:
    """Count files by their top directories, the fullest first."""
    if not paths:
        return ""
    counts: dict[str, int] = {}
    for path in paths:
        top, slash, _ = path.partition("/")
        if slash:
            counts[top] = counts.get(top, 0) + 1
    fullest = sorted(counts, key=lambda top: (-counts[top], top))[:MAX_SUMMED]
    where = ", ".join(f"{top}/ ({counts[top]})" for top in fullest)
    return f"… and {len(paths)} more files{f': {where}' if where else ''}"


def _shorten(path: str, outline: str) -> str:
    lines = outline.split("\n") if outline else []
    shown = [
        line if len(line) <= MAX_LINE_LENGTH else f"{line[: MAX_LINE_LENGTH - 1]}…"
        for line in lines[:MAX_LINES]
    ]
    if len(lines) > MAX_LINES:
        shown.append(f"… {len(lines) - MAX_LINES} more lines")
    return "\n".join([f"{path}:", *(f"  {line}" for line in shown)])


def _find_most(limit: int, fits: Callable[[int], bool]) -> int:
    """Find the largest number up to `limit` that fits, looking at no number far above it."""
    low, high = 0, 1
    while high <= limit and fits(high):
        low, high = high, high * 2
    high = min(high, limit + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
