"""One state of a repository's files: what they are, what they import, what they declare."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from forge_core.context.exclusion import find_exclusion, is_python, needs_reading
from forge_core.context.import_graph import ImportGraph, build_graph
from forge_core.context.python_source import ModuleSource, read_module

SNIFFED_BYTES = 8000
"""Bytes in which a null character makes a file binary, as for git."""

BINARY = "binary or minified"


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file of a commit or of a worktree."""

    path: str
    """Relative to the top, parts joined by '/'."""
    blob: str
    """Git's id of its content."""
    size: int
    """Bytes."""
    tracked: bool = True
    """Whether git knows it."""


@dataclass(frozen=True)
class TreeView:
    """The files that may be shown, and what was read of them."""

    blobs: Mapping[str, str]
    """Path to blob id of each file that may be shown."""
    sources: Mapping[str, ModuleSource]
    """What was read of each Python file, by blob id."""
    left_out: Mapping[str, int]
    """Reason to number of the files that are left out by default."""

    @cached_property
    def graph(self) -> ImportGraph:
        """The imports between the Python files."""
        return build_graph(
            {path: self.sources[blob].imports for path, blob in self._python_files()}
        )

    @property
    def unparsed(self) -> tuple[str, ...]:
        """Python files that could not be read, each with the reason."""
        faults = ((path, self.sources[blob].fault) for path, blob in self._python_files())
        return tuple(f"{path}: {fault}" for path, fault in faults if fault)

    def get_outline(self, path: str) -> str:
        """Return a file's declarations; empty where there are none or they are unknown."""
        blob = self.blobs.get(path, "")
        return self.sources[blob].outline if is_python(path) and blob in self.sources else ""

    def _python_files(self) -> list[tuple[str, str]]:
        return [(path, blob) for path, blob in self.blobs.items() if is_python(path)]


def select_files(files: Iterable[TreeFile]) -> tuple[list[TreeFile], Counter[str]]:
    """Separate the files that may be shown from the others, which are counted by reason."""
    selection = []
    left_out: Counter[str] = Counter()
    for file in files:
        reason = find_exclusion(file.path, file.size)
        if reason is None:
            selection.append(file)
        else:
            left_out[reason] += 1
    return selection, left_out


def build_view(
    files: Iterable[TreeFile], left_out: Counter[str], sources: Mapping[str, ModuleSource]
) -> TreeView:
    """Build the view of a tree from its files and what was read of those that need it."""
    blobs = {}
    counts = Counter(left_out)
    for file in files:
        source = sources.get(file.blob) if needs_reading(file.path) else ModuleSource()
        if source is None:
            counts["unreadable"] += 1
        elif source.fault == BINARY:
            counts[BINARY] += 1
        else:
            blobs[file.path] = file.blob
    return TreeView(blobs, sources, dict(sorted(counts.items())))


def read_source(path: str, content: bytes) -> ModuleSource:
    """Read a file of which only the content says what it is."""
    if is_python(path):
        return read_module(content)
    return ModuleSource(fault=BINARY) if b"\0" in content[:SNIFFED_BYTES] else ModuleSource()
