"""Finding target files that can never be written, before anything is paid for."""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from forge_core.errors import UsageError
from forge_core.files.paths import fold_path
from forge_core.git.command import Git
from forge_core.git.contents.base_files import read_base_files
from forge_core.git.lfs import POINTER
from forge_core.git.submodules import SUBMODULE_MODE
from forge_core.models.call.context import FILE_LIMIT_BYTES

LINK_MODE, TREE_MODE = "120000", "040000"
"""Git's modes of a symbolic link and of a directory in a tree."""

LEAST_CHARS = 4_000
"""Characters of a file's parts below which they lead nowhere."""

Tree = dict[str, str]
"""Path to mode of what a commit has in the directories that lead to its targets."""


def check_targets(repo: Path, commit: str, targets: Sequence[str], room: int | None = None) -> None:
    """Check that every target file of a task can be written.

    Args:
        repo: The repository.
        commit: What the run starts from.
        targets: Paths that may stand in a repository.
        room: Characters that a prompt may have; None where that does not matter.

    Raises:
        UsageError: One cannot, whatever a model answers; the message says why.
    """
    tree = _list_around(repo, commit, targets)
    for path in targets:
        fault = next(_find_faults(tree, path), None)
        if fault is not None:
            raise UsageError(f"target file {path!r} cannot be written: {fault}")
    for path, file in read_base_files(repo, commit, targets).items():
        fault = _find_content_fault(file.content)
        if fault is not None:
            raise UsageError(f"target file {path!r} cannot be shown to a model: {fault}")
        if room is not None and min(len(file.content), LEAST_CHARS) > room:
            raise UsageError(
                f"target file {path!r} finds no room in a prompt, not even parts of it: "
                "raise token_budget"
            )


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


def _find_faults(tree: Tree, path: str) -> Iterator[str]:
    *above, _ = steps = _list_steps(path)
    for step in steps:
        mode = tree.get(step)
        if mode is None:
            yield from _find_lookalike(tree, step)
            return
        if mode == LINK_MODE:
            yield f"{step!r} is a symbolic link; name the file that it leads to"
        elif mode == SUBMODULE_MODE:
            yield f"{step!r} is a submodule, whose files another repository has"
        elif step in above and mode != TREE_MODE:
            yield f"{step!r} is a file"
        elif step == path and mode == TREE_MODE:
            yield "it is a directory; name files in it"


def _find_lookalike(tree: Tree, path: str) -> Iterator[str]:
    """Find what some file system takes for the same name as one that does not stand there."""
    parent, _, name = path.rpartition("/")
    folded = fold_path(name)
    for other in tree:
        if other.rpartition("/")[0] == parent and fold_path(other.rpartition("/")[2]) == folded:
            is_form = unicodedata.normalize("NFC", other) == unicodedata.normalize("NFC", path)
            how = "in another Unicode form" if is_form else "which some file systems take for it"
            yield f"{other!r} stands there, {how}: name it as `git ls-files` does"


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
