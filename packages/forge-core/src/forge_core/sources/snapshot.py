"""Looking at a repository twice: as its run found it, and as the worktree has it now.

See D54.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forge_core.context.exclusion import is_python, needs_reading
from forge_core.context.python_source import ModuleSource
from forge_core.context.tree_view import TreeFile, TreeView, build_view, read_source, select_files
from forge_core.errors import UnreadableFile
from forge_core.files.read import read_bytes
from forge_core.git.command import Git
from forge_core.sources.cache import SourceCache
from forge_core.sources.git_files import UNREAD, hash_blob, list_commit, list_worktree

BLOBS_A_COMMAND = 50
"""Contents that git is asked for at once; each is up to 1 MB."""


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
    files, left_out = select_files(list_worktree(root))
    selection = [file for file in files if file.path in paths]
    return build_view(selection, left_out, load_sources(root, selection, cache)), len(files)


def load_sources(
    root: Path, files: Iterable[TreeFile], cache: SourceCache
) -> Mapping[str, ModuleSource]:
    """Read the files of which only the content says what they are, by blob id.

    What cannot be read at all is absent.
    """
    paths = {f.blob: f.path for f in files if f.blob != UNREAD and needs_reading(f.path)}
    names = {blob: _cache_name(blob, path) for blob, path in paths.items()}
    stored = cache.load(names.values())
    cached = {blob: stored[name] for blob, name in names.items() if name in stored}
    missing = {blob: path for blob, path in paths.items() if blob not in cached}
    fresh = {
        blob: read_source(paths[blob], content) for blob, content in _read_blobs(root, missing)
    }
    cache.save({names[blob]: source for blob, source in fresh.items()})
    return {**cached, **fresh}


def _cache_name(blob: str, path: str) -> str:
    """Return the key of a content; the same bytes read as Python have another."""
    return f"{blob}.py" if is_python(path) else blob


def _read_blobs(root: Path, missing: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Read contents from the worktree where it has them, else from git's objects."""
    elsewhere = []
    for blob, path in missing.items():
        content = _read_if_same(root, path, blob)
        if content is None:
            elsewhere.append(blob)
        else:
            yield blob, content
    yield from _read_objects(root, elsewhere)


def _read_if_same(root: Path, path: str, blob: str) -> bytes | None:
    try:
        content = read_bytes(root, path)
    except UnreadableFile:
        return None
    return content if hash_blob(content, len(blob)) == blob else None


def _read_objects(root: Path, blobs: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for start in range(0, len(blobs), BLOBS_A_COMMAND):
        part = blobs[start : start + BLOBS_A_COMMAND]
        output = Git(root).read("cat-file", "--batch", stdin="\n".join(part).encode() + b"\n")
        position = 0
        for blob in part:
            # gitformat of cat-file --batch: "<id> <type> <size>", the content, a newline.
            head, _, _ = output[position : position + 200].partition(b"\n")
            fields = head.split()
            position += len(head) + 1
            if len(fields) == 3 and fields[1] == b"blob":  # else "<id> missing"
                size = int(fields[2])
                yield blob, output[position : position + size]
                position += size + 1
