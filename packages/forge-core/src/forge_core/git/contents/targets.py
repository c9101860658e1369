"""Finding files of a commit that can never be changed, whatever a model answers."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from forge_core.files.paths import fold_path
from forge_core.git.command import Git
from forge_core.git.contents.base_files import read_base_files
from forge_core.git.lfs import POINTER
from forge_core.git.submodules import SUBMODULE_MODE
from forge_core.models.call.context import FILE_LIMIT_BYTES

LINK_MODE, TREE_MODE = "120000", "040000"
"""Git's modes of a symbolic link and of a directory in a tree."""

Tree = dict[str, str]
"""Path to mode of what a commit has in the directories that lead to its targets."""


@dataclass(frozen=True, slots=True)
class TargetFault:
    """Why a file can never be changed."""

    path: str
    """The file's."""
    reason: str
    obstacle: str | None = None
    """What stands in the way; None where the content is the reason."""
    is_directory: bool = False
    """Whether the path is that of a directory."""

    def is_final(self, targets: Sequence[str]) -> bool:
        """Return whether no other target stands in the way, which may be one that is to go."""
        return self.obstacle == self.path or self.obstacle not in targets

    @property
    def message(self) -> str:
        """The fault in one sentence."""
        what = "shown to a model" if self.obstacle is None else "written"
        return f"target file {self.path!r} cannot be {what}: {self.reason}"


def find_target_faults(repo: Path, commit: str, targets: Sequence[str]) -> Iterator[TargetFault]:
    """Find the targets that can never be changed: first by their places, then by their contents.

    Args:
        repo: A repository or a worktree of it.
        commit: Whose files they are.
        targets: Paths that may stand in a repository.
    """
    tree = _list_around(repo, commit, targets)
    for path in targets:
        yield from _find_obstacle(tree, path)
    for path, file in read_base_files(repo, commit, targets).items():
        reason = _find_content_fault(file.content)
        if reason is not None:
            yield TargetFault(path, reason)


def _list_around(repo: Path, commit: str, targets: Sequence[str]) -> Tree:
    """List the directories on the way to each target, and what stands in them."""
    git = Git(repo)
    parents = {f"{above}/" for path in targets for above in _list_steps(path)[:-1]}
    listings = [git.run("ls-tree", "-z", "--full-tree", commit)] if targets else []
    if parents:
        listings.append(git.run("ls-tree", "-z", "--full-tree", commit, "--", *sorted(parents)))
    entries = (entry.partition("\t") for text in listings for entry in text.split("\0") if entry)
    return {path: attributes.split()[0] for attributes, _, path in entries}


def _list_steps(path: str) -> list[str]:
    """List a path and the directories above it, the topmost first."""
    return list(accumulate(path.split("/"), "{}/{}".format))


def _find_obstacle(tree: Tree, path: str) -> Iterator[TargetFault]:
    *above, _ = steps = _list_steps(path)
    for step in steps:
        mode = tree.get(step)
        if mode is None:
            yield from _find_lookalike(tree, path, step)
            return
        if mode == LINK_MODE:
            reason = f"{step!r} is a symbolic link; name the file that it leads to"
        elif mode == SUBMODULE_MODE:
            reason = f"{step!r} is a submodule, whose files another repository has"
        elif step in above and mode != TREE_MODE:
            reason = f"{step!r} is a file"
        elif step == path and mode == TREE_MODE:
            reason = "it is a directory; name files in it"
        else:
            continue
        yield TargetFault(path, reason, step, is_directory=mode == TREE_MODE)
        return


def _find_lookalike(tree: Tree, target: str, path: str) -> Iterator[TargetFault]:
    """Find what some file system takes for the same name as one that does not stand there."""
    parent, _, name = path.rpartition("/")
    folded = fold_path(name)
    for other in tree:
        if other.rpartition("/")[0] == parent and fold_path(other.rpartition("/")[2]) == folded:
            is_form = unicodedata.normalize("NFC", other) == unicodedata.normalize("NFC", path)
            how = "in another Unicode form" if is_form else "which some file systems take for it"
            reason = f"{other!r} stands there, {how}: name it as `git ls-files` does"
            yield TargetFault(target, reason, other)
            return


def _find_content_fault(content: bytes) -> str | None:
    if len(content) > FILE_LIMIT_BYTES:
        return f"it is larger than {FILE_LIMIT_BYTES // 1_000_000} MB"
    if b"\0" in content:
        return "it is a binary file"
    if content.startswith(POINTER):
        return "it is a pointer of git lfs, whose content is not here: run `git lfs pull`"
    try:
        content.decode()
    except UnicodeDecodeError:
        return "it is not UTF-8 text"
    return None
