"""Gathering what goes into a prompt: files that were named, and files that are found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from forge_core.context.assemble import Coverage, get_map_budget
from forge_core.context.discover import INTERFACE_TOKENS, Found, find_imported, find_mentioned
from forge_core.context.rank import build_seeds, compute_pagerank, order_by_rank
from forge_core.context.repo_map import NO_MAP, RepoMap, build_repo_map
from forge_core.context.sections import estimate_tokens
from forge_core.context.tree_view import TreeView
from forge_core.errors import UnreadableFile
from forge_core.files.read import read_text
from forge_core.models.task import ContextConfig
from forge_core.prompts.sections import FoundFile, Materials, SourceFile
from forge_core.sources.cache import SourceCache
from forge_core.sources.snapshot import look_at, survey

MAX_FOUND = 200
"""Files that are considered besides those that were named."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a prompt is for."""

    worktree: Path
    base_commit: str
    """What the map shows; a hash, or a name such as HEAD."""
    config: ContextConfig
    task_targets: tuple[str, ...]
    """Target files of the whole task, from which the map is ranked."""
    task_description: str
    """What is asked for as a whole; the map starts from the files that it names, too."""
    targets: tuple[str, ...]
    """Target files of the unit."""
    description: str
    """What the unit is to do; a file that it names is taken for needed."""
    context_files: tuple[str, ...]
    interfaces_only: bool = False
    """Show signatures of what is found, not whole files: enough to plan by."""


def gather(wanted: Wanted, cache: SourceCache) -> tuple[Materials, Coverage]:
    """Read what a prompt is to show; what cannot be read is named with the reason."""
    if not wanted.config.auto_discover:
        return _gather_named(wanted, cache)
    seen = survey(wanted.worktree, wanted.base_commit, cache)
    map_starts = _find_starts(seen.base, wanted.task_targets, wanted.task_description)
    map_ranks = _rank(seen.base, map_starts)
    repo_map = _draw_map(seen.base, map_ranks, wanted.config)
    starts = _find_starts(seen.current, wanted.targets, wanted.description)
    same = seen.current is seen.base and starts == map_starts
    ranked = map_ranks if same else _rank(seen.current, starts)
    reader = _Reader(wanted, seen.current, ranked)
    materials = Materials(
        targets=reader.read_all(wanted.targets),
        context_files=reader.read_context(),
        found=tuple(reader.find(starts, seen.written)),
        repo_map=repo_map,
    )
    coverage = Coverage(
        files_discovered=len(seen.current.blobs),
        left_out=seen.current.left_out,
        unparsed=seen.current.unparsed,
        repo_map=repo_map,
        ranks=_places(map_ranks),
    )
    return materials, coverage


def _gather_named(wanted: Wanted, cache: SourceCache) -> tuple[Materials, Coverage]:
    named = frozenset((*wanted.targets, *wanted.context_files))
    view, discovered = look_at(wanted.worktree, named, cache)
    reader = _Reader(wanted, view, ())
    materials = Materials(reader.read_all(wanted.targets), reader.read_context())
    return materials, Coverage(discovered, view.left_out, view.unparsed)


def _find_starts(view: TreeView, targets: Sequence[str], description: str) -> tuple[str, ...]:
    """List the files from which others are looked for: targets, then those named in the text."""
    return tuple(dict.fromkeys((*targets, *find_mentioned(description, view.blobs))))


def _rank(view: TreeView, targets: Sequence[str]) -> list[str]:
    return order_by_rank(compute_pagerank(view.graph.edges, build_seeds(view.graph, targets)))


def _places(ranked: Sequence[str]) -> dict[str, int]:
    return {path: place for place, path in enumerate(ranked, start=1)}


def _draw_map(view: TreeView, ranked: Sequence[str], config: ContextConfig) -> RepoMap:
    budget = get_map_budget(config)
    if not budget:
        return NO_MAP
    outlined = [path for path in ranked if view.get_outline(path)]
    return build_repo_map(
        sorted(view.blobs), outlined, view.get_outline, budget, config.chars_per_token
    )


class _Reader:
    """Reads the files of one prompt."""

    def __init__(self, wanted: Wanted, view: TreeView, ranked: Sequence[str]) -> None:
        self._wanted = wanted
        self._view = view
        self._ranked = ranked
        self._place = _places(ranked)

    def read_all(self, paths: Sequence[str]) -> tuple[SourceFile, ...]:
        return tuple(self._read(path) for path in dict.fromkeys(paths))

    def read_context(self) -> tuple[SourceFile, ...]:
        named = self._wanted.context_files
        return self.read_all([path for path in named if path not in self._wanted.targets])

    def find(self, starts: Sequence[str], written: Sequence[str]) -> Iterator[FoundFile]:
        """Find what the description names, what is imported and what earlier steps wrote.

        Args:
            starts: Targets and files that the description names.
            written: Files that earlier steps wrote.
        """
        wanted = self._wanted
        given = {*wanted.targets, *wanted.context_files}
        named = {*given, *starts, *written}
        depth = wanted.config.max_import_depth
        found = find_imported(self._view.graph, starts, depth, self._ranked)
        yield from self._show_imported([f for f in found if f.path not in named][:MAX_FOUND])
        if not found and depth:
            yield from self._show_best(named)
        for path in starts:
            if path not in given.union(written):
                yield FoundFile(self._read(path), "mentioned_file", "named in the description")
        for path in written:
            if path in self._view.blobs and path not in given:
                yield FoundFile(self._read(path), "written_file", "written by an earlier step")

    def _show_imported(self, found: Sequence[Found]) -> Iterator[FoundFile]:
        deep = self._wanted.config.include_dependencies
        for item in found:
            reason = f"imported by {item.importer}"
            reason += f", {item.distance} imports away" if item.distance > 1 else ""
            if not self._wanted.interfaces_only and (item.distance == 1 or deep):
                yield FoundFile(self._read(item.path), "dependency", reason)
            elif self._view.get_outline(item.path):
                yield FoundFile(self._outline(item.path), "interface", reason)

    def _show_best(self, named: set[str]) -> Iterator[FoundFile]:
        """Show the interfaces that most of the repository rests on, where no import leads on."""
        used = 0
        for path in self._ranked:
            outline = self._view.get_outline(path)
            used += estimate_tokens(outline, self._wanted.config.chars_per_token)
            if used > INTERFACE_TOKENS:
                return
            if outline and path not in named:
                yield FoundFile(self._outline(path), "interface", "among the best-ranked files")

    def _outline(self, path: str) -> SourceFile:
        return SourceFile(
            path, None, outline=self._view.get_outline(path), rank=self._place.get(path)
        )

    def _read(self, path: str) -> SourceFile:
        rank, outline = self._place.get(path), self._view.get_outline(path)
        try:
            text = read_text(self._wanted.worktree, path)
        except UnreadableFile as error:
            return SourceFile(path, None, str(error), rank=rank)
        return SourceFile(path, text, outline=outline, rank=rank)
