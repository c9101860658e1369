"""Gathering what goes into a prompt: files that were named, and files that are discovered."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from forge_core.context.assemble import Coverage, get_map_budget
from forge_core.context.discover import (
    INTERFACE_TOKENS,
    SHORT_FILE_TOKENS,
    ImportedFile,
    find_imported,
    find_mentioned,
)
from forge_core.context.rank import build_seeds, compute_pagerank, order_by_rank
from forge_core.context.repo_map import NO_MAP, RepoMap, build_repo_map
from forge_core.context.sections import SectionKind, estimate_tokens
from forge_core.context.tree_view import TreeView
from forge_core.errors import UnreadableFile
from forge_core.files.read import read_text
from forge_core.git.contents.base_files import read_sparse_text
from forge_core.models.task import ContextConfig
from forge_core.prompts.sections import DiscoveredFile, Materials, SourceFile, count_lines
from forge_core.sources.cache import SourceCache
from forge_core.sources.snapshot import look_at, survey

MAX_DISCOVERED = 200
"""Files that are considered besides those that were named."""


@dataclass(frozen=True, slots=True)
class ContextRequest:
    """What a prompt is to be built for."""

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
    refused_files: tuple[str, ...] = ()
    """Files that the last attempt changed or was about to change."""
    interfaces_only: bool = False
    """Show signatures of what is discovered, not whole files: enough to plan by."""


def gather(request: ContextRequest, cache: SourceCache) -> tuple[Materials, Coverage]:
    """Read what a prompt is to show; what cannot be read is named with the reason."""
    if not request.config.auto_discover:
        return _gather_named(request, cache)
    state = survey(request.worktree, request.base_commit, cache)
    map_starts = _find_starts(state.base, request.task_targets, request.task_description)
    map_ranks = _rank(state.base, map_starts)
    repo_map = _draw_map(state.base, map_ranks, request.config)
    starts = _find_starts(state.current, request.targets, request.description)
    same = state.current is state.base and starts == map_starts
    ranked = map_ranks if same else _rank(state.current, starts)
    reader = _Reader(request, state.current, ranked)
    discovered = tuple(reader.find(starts, state.written))
    materials = Materials(
        targets=reader.read_all(request.targets),
        context_files=reader.read_context(),
        discovered=(*discovered, *reader.read_refused(discovered)),
        repo_map=repo_map,
    )
    coverage = Coverage(
        files_discovered=len(state.current.blobs),
        left_out=state.current.left_out,
        unparsed=state.current.unparsed,
        repo_map=repo_map,
        ranks=_number(map_ranks),
    )
    return materials, coverage


def _gather_named(request: ContextRequest, cache: SourceCache) -> tuple[Materials, Coverage]:
    named = frozenset((*request.targets, *request.context_files))
    view, discovered = look_at(request.worktree, named, cache)
    reader = _Reader(request, view, ())
    materials = Materials(
        reader.read_all(request.targets), reader.read_context(), tuple(reader.read_refused(()))
    )
    return materials, Coverage(discovered, view.left_out, view.unparsed)


def _find_starts(view: TreeView, targets: Sequence[str], description: str) -> tuple[str, ...]:
    """List the files from which others are looked for: targets, then those named in the text."""
    return tuple(dict.fromkeys((*targets, *find_mentioned(description, view.blobs))))


def _rank(view: TreeView, targets: Sequence[str]) -> list[str]:
    return order_by_rank(compute_pagerank(view.graph.edges, build_seeds(view.graph, targets)))


def _number(ranked: Sequence[str]) -> dict[str, int]:
    return {path: rank for rank, path in enumerate(ranked, start=1)}


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

    def __init__(self, request: ContextRequest, view: TreeView, ranked: Sequence[str]) -> None:
        self._request = request
        self._view = view
        self._ranked = ranked
        self._ranks = _number(ranked)

    def read_all(self, paths: Sequence[str]) -> tuple[SourceFile, ...]:
        """Read files by their paths, each once, in that order."""
        return tuple(self._read(path) for path in dict.fromkeys(paths))

    def read_context(self) -> tuple[SourceFile, ...]:
        """Read the files that the user or the plan names as context."""
        named = self._request.context_files
        return self.read_all([path for path in named if path not in self._request.targets])

    def read_refused(self, discovered: Sequence[DiscoveredFile]) -> Iterator[DiscoveredFile]:
        """Read what the last attempt changed and no other section shows; it stands as before."""
        request = self._request
        shown = {file.source.path for file in discovered if file.source.text is not None}
        shown.update(request.targets, request.context_files)
        for path in dict.fromkeys(request.refused_files):
            file = None if path in shown else self._read(path)
            if file is not None and file.text is not None:
                reason = "changed by the attempt that was refused"
                yield DiscoveredFile(file, "changed_file", reason)

    def find(self, starts: Sequence[str], written: Sequence[str]) -> Iterator[DiscoveredFile]:
        """Find what the description names, what is imported and what earlier steps wrote.

        Args:
            starts: Targets and files that the description names.
            written: Files that earlier steps wrote.
        """
        request = self._request
        requested = {*request.targets, *request.context_files}
        named = {*requested, *starts, *written}
        depth = request.config.max_import_depth
        imports = find_imported(self._view.graph, starts, depth, self._ranked)
        yield from self._show_imported(
            [file for file in imports if file.path not in named][:MAX_DISCOVERED]
        )
        if not imports and depth:
            shown_anyway = named.union(request.refused_files)
            yield from self._show_best(shown_anyway, whole=not (starts or request.interfaces_only))
        for path in starts:
            if path not in requested.union(written):
                yield DiscoveredFile(self._read(path), "mentioned_file", "named in the description")
        for path in written:
            if path in self._view.blobs and path not in requested:
                yield DiscoveredFile(self._read(path), "written_file", "written by an earlier step")

    def _show_imported(self, imports: Sequence[ImportedFile]) -> Iterator[DiscoveredFile]:
        deep = self._request.config.include_dependencies
        for item in imports:
            reason = f"imported by {item.importer}"
            reason += f", {item.distance} imports away" if item.distance > 1 else ""
            if not self._request.interfaces_only and (item.distance == 1 or deep):
                yield DiscoveredFile(self._read(item.path), "dependency", reason)
            elif self._view.get_outline(item.path):
                yield DiscoveredFile(self._outline(item.path), "interface", reason)

    def _show_best(self, named: set[str], *, whole: bool) -> Iterator[DiscoveredFile]:
        """Show what most of the repository rests on, where no import leads on.

        Args:
            named: Files that are shown anyway.
            whole: Show short files whole: nothing says which file is to change, and a model may
                only change what it has seen.
        """
        used = 0
        for path in self._ranked:
            text = self._read_short(path) if whole else ""
            shown = text or self._view.get_outline(path)
            used += estimate_tokens(shown, self._request.config.chars_per_token)
            if used > INTERFACE_TOKENS:
                return
            if not shown or path in named:
                continue
            source = self._read(path) if text else self._outline(path)
            kind: SectionKind = "short_file" if text else "interface"
            yield DiscoveredFile(source, kind, "among the best-ranked files")

    def _read_short(self, path: str) -> str:
        """Read a file that costs little to show whole; empty for any other."""
        most = int(SHORT_FILE_TOKENS * self._request.config.chars_per_token)
        try:
            text = read_text(self._request.worktree, path, limit_bytes=4 * most)
        except UnreadableFile:
            return ""
        return text if len(text) <= most else ""

    def _outline(self, path: str) -> SourceFile:
        lines = self._count_lines(path) if self._request.interfaces_only else None
        outline, rank = self._view.get_outline(path), self._ranks.get(path)
        return SourceFile(path, None, outline=outline, rank=rank, lines=lines)

    def _count_lines(self, path: str) -> int | None:
        try:
            return count_lines(read_text(self._request.worktree, path))
        except UnreadableFile:
            return None

    def _read(self, path: str) -> SourceFile:
        rank, outline = self._ranks.get(path), self._view.get_outline(path)
        try:
            text = read_text(self._request.worktree, path)
        except UnreadableFile as error:
            sparse = read_sparse_text(self._request.worktree, path)
            if sparse is None:
                return SourceFile(path, None, str(error), rank=rank)
            text = sparse
        return SourceFile(path, text, outline=outline, rank=rank)
