"""Commits of attempts, made once however often they are asked for."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forge_core.errors import GitFailed, RefusedPath
from forge_core.files.lookalikes import list_vacated
from forge_core.git.command import Git
from forge_core.git.commits.receipt import locate_private
from forge_core.git.commits.trailers import CommitTrailers, build_message, carries
from forge_core.git.contents.base_files import REGULAR_MODES
from forge_core.git.worktree import remove_stale_locks

ARE_MODES_READ = ("config", "--type=bool", "--default", "true", "--get", "core.fileMode")
"""The command that says whether git reads from the file system what is executable."""

SHEBANG = b"#!"

SPARSE_PATTERNS = "info/sparse-checkout"
"""Where git keeps in its own directory what a sparse checkout holds."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a path became."""

    mode: str
    """Git's file mode, e.g. ``100644``."""
    blob: str | None
    """Id of the new content, None where the path was deleted."""


def list_changes(repo: Path, base: str, commit: str) -> dict[str, Change]:
    """Return every path that differs between two commits, renames as two paths."""
    listing = Git(repo).run("diff-tree", "-r", "-z", "--no-renames", base, commit)
    fields = listing.split("\0")[:-1]
    return {
        path: _parse_change(attributes)
        for attributes, path in zip(fields[::2], fields[1::2], strict=True)
    }


def _parse_change(attributes: str) -> Change:
    """Parse ``:<old mode> <new mode> <old blob> <new blob> <status>``."""
    _, mode, _, blob, status = attributes.split()
    return Change(mode, None if status == "D" else blob)


def commit_files(
    worktree: Path,
    paths: Sequence[str],
    *,
    parent: str,
    subject: str,
    trailers: CommitTrailers,
) -> str | None:
    """Commit exactly these files on top of `parent`, or find the commit made before.

    Returns:
        The commit's hash, None where nothing differs from `parent`.

    Raises:
        RefusedPath: Something other than a file is at a path, such as a link.
        GitFailed: Something else was committed here; it is not overwritten.
    """
    remove_stale_locks(worktree)
    git = Git(worktree)
    head = git.run("rev-parse", "HEAD")
    if head != parent:
        _require_ours(git, head, parent, trailers)
        return head
    tree = _write_tree(git, parent, paths)
    changes = list_changes(worktree, parent, tree)
    _refuse_links(changes)
    message = build_message(subject, trailers)
    commit = _write_commit(git, tree, parent, message) if changes else parent
    git.run("update-ref", "-m", "forge: commit", "HEAD", commit, parent)
    if (locate_private(worktree) / SPARSE_PATTERNS).exists():
        # The index was read anew and knows no more what the patterns leave out.
        git.succeeds("sparse-checkout", "reapply")
    return commit if changes else None


def blob_ids(worktree: Path, commit: str, paths: Sequence[str]) -> dict[str, str]:
    """Return the blob id of each of the paths that `commit` has."""
    if not paths:
        return {}
    return _parse_tree(Git(worktree).run("ls-tree", "-r", "-z", commit, "--", *paths))


def keep_commit(
    repo: Path, workflow_id: str, step_id: str, step_attempt: int, sub_task_id: str, commit: str
) -> None:
    """Keep a sub-task's commit alive by a ref."""
    ref = f"{_kept_refs(workflow_id, step_id)}/{step_attempt}/{sub_task_id}"
    Git(repo).run("update-ref", ref, commit)


def drop_kept_commits(repo: Path, workflow_id: str, step_id: str) -> None:
    """Delete the refs of a step's sub-tasks, if there are any."""
    drop_refs(repo, _kept_refs(workflow_id, step_id))


def drop_refs(repo: Path, prefix: str) -> None:
    """Delete every ref below a prefix, if there is any."""
    git = Git(repo)
    refs = git.run("for-each-ref", "--format=%(refname)", prefix)
    commands = "".join(f"delete {ref}\n" for ref in refs.splitlines())
    git.run("update-ref", "--stdin", stdin=commands.encode())


def _kept_refs(workflow_id: str, step_id: str) -> str:
    return f"refs/forge/{workflow_id}/{step_id}"


def _require_ours(git: Git, head: str, parent: str, trailers: CommitTrailers) -> None:
    if not _is_ours(git, head, parent, trailers):
        raise GitFailed(
            f"{git.cwd} is at commit {head[:12]}, not at {parent[:12]} where the run left it: "
            "something else committed there, and that is not overwritten"
        )


def _is_ours(git: Git, head: str, parent: str, trailers: CommitTrailers) -> bool:
    header, _, message = git.run("cat-file", "commit", head).partition("\n\n")
    parents = [line for line in header.split("\n") if line.startswith("parent ")]
    return parents == [f"parent {parent}"] and carries(message, trailers)


def _write_tree(git: Git, parent: str, paths: Sequence[str]) -> str:
    """Write the tree of `parent` with these files as they are in the worktree."""
    git.run("read-tree", parent)
    vacated = list_vacated(git.cwd, paths)
    if vacated:
        git.run("update-index", "-z", "--force-remove", "--stdin", stdin=_list_bytes(vacated))
    listing = _list_bytes(path for path in paths if path not in vacated)
    git.run("update-index", "-z", "--add", "--remove", "--stdin", stdin=listing)
    scripts = _list_unmarked_scripts(git, parent, paths)
    if scripts:
        git.run("update-index", "--chmod=+x", "--", *scripts)
    return git.run("write-tree")


def _list_bytes(paths: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def _list_unmarked_scripts(git: Git, parent: str, paths: Sequence[str]) -> list[str]:
    """List new scripts that git takes for plain files, since it is told to ignore modes."""
    scripts = [path for path in paths if _is_script(git.cwd / path)]
    if not scripts or git.run(*ARE_MODES_READ) != "false":
        return []
    old = git.run("ls-tree", "-z", "--name-only", parent, "--", *scripts).split("\0")
    return [path for path in scripts if path not in old]


def _is_script(path: Path) -> bool:
    if path.is_symlink() or not path.is_file() or not os.access(path, os.X_OK):
        return False
    with path.open("rb") as file:
        return file.read(len(SHEBANG)) == SHEBANG


def _refuse_links(changes: Mapping[str, Change]) -> None:
    for path, change in changes.items():
        if change.blob is not None and change.mode not in REGULAR_MODES:
            raise RefusedPath(f"{path!r} is refused: it became a link or a repository")


def _write_commit(git: Git, tree: str, parent: str, message: str) -> str:
    text = message.encode("utf-8", "backslashreplace")
    return git.run(*git.identity(), "commit-tree", tree, "-p", parent, "-F", "-", stdin=text)


def _parse_tree(listing: str) -> dict[str, str]:
    blobs = {}
    for entry in filter(None, listing.split("\0")):
        attributes, path = entry.split("\t", 1)
        blobs[path] = attributes.split()[2]
    return blobs
