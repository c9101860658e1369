"""Looking at a repository twice: as its run found it, and as the worktree has it now.

See D54.
"""

from dataclasses import dataclass
from pathlib import Path

from forge_core.context.tree_view import TreeView, build_view, select_files
from forge_core.sources.cache import SourceCache
from forge_core.sources.git_files import list_commit, list_worktree
from forge_core.sources.load import load_sources


@dataclass(frozen=True, slots=True)
class Survey:
    """A repository before the run and now."""

    base: TreeView
    """At the commit that the run started from; the same for all calls of a run."""
    current: TreeView
    """In the worktree, with what earlier steps wrote; `base` itself where nothing differs."""
    written: tuple[str, ...]
    """Files that earlier steps wrote, by path."""


def survey(root: Path, base_commit: str, cache: SourceCache) -> Survey:
    """Look at a worktree and at the commit that its run started from."""
    base, base_left_out = select_files(list_commit(root, base_commit))
    now, now_left_out = select_files(list_worktree(root))
    sources = load_sources(root, (*base, *now), cache)
    before = build_view(base, base_left_out, sources)
    current = build_view(now, now_left_out, sources)
    written = tuple(
        file.path for file in now if file.tracked and before.blobs.get(file.path) != file.blob
    )
    return Survey(before, before if current == before else current, written)


def look_at(root: Path, paths: frozenset[str], cache: SourceCache) -> tuple[TreeView, int]:
    """Look at some files of a worktree only; the number is that of all that may be shown."""
    kept, left_out = select_files(list_worktree(root))
    named = [file for file in kept if file.path in paths]
    return build_view(named, left_out, load_sources(root, named, cache)), len(kept)
