"""Submodules: directories whose files another repository has.

No commit of ours holds any of them. Git leaves a submodule's directory empty in a new worktree, and
tests that need its files fail: they are taken from the user's checkout, without any network.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from forge_core.errors import GitFailed, RefusedPath
from forge_core.files.paths import parse_path
from forge_core.git.command import Git

SUBMODULE_MODE = "160000"
"""Git's mode of a submodule in a tree."""

MODULES = ".gitmodules"

MARK = "forge-submodules"
"""File in git's own directory of a worktree that says that submodules were filled there."""


def refuse_submodules(worktree: Path, paths: Sequence[str]) -> None:
    """Check that no path leads into a submodule of HEAD, where git commits no file.

    Raises:
        RefusedPath: One does, or is none that may be written anywhere.
    """
    parents = {path: tuple(_standing_parents(worktree, path)) for path in paths}
    submodules = _find_submodules(worktree, sorted(set().union(*parents.values())))
    for path, above in parents.items():
        inside = submodules.intersection(above)
        if inside:
            raise RefusedPath(f"path {path!r} is refused: {min(inside)!r} is a submodule")


def _standing_parents(worktree: Path, path: str) -> Iterator[str]:
    """Yield the existing directories on the way; a checkout makes one for each submodule."""
    above = PurePosixPath()
    for part in parse_path(path)[:-1]:
        above /= part
        if not (worktree / above).is_dir():
            return
        yield str(above)


def _find_submodules(worktree: Path, directories: Sequence[str]) -> set[str]:
    if not directories:
        return set()
    listing = Git(worktree).run("ls-tree", "-d", "-z", "HEAD", "--", *directories)
    entries = (entry.partition("\t") for entry in listing.split("\0"))
    return {path for attributes, _, path in entries if attributes.startswith(SUBMODULE_MODE)}


def fill_submodules(repo: Path, worktree: Path, commit: str) -> None:
    """Give a worktree the files of the submodules that the checkout has.

    What it has no clone or not the commit of stays an empty directory; see `list_absent`.
    """
    filled = [
        path
        for path, target in _list_submodules(Git(worktree), commit)
        if _has_commit(repo / path, target) and _fill(repo / path, worktree / path, target)
    ]
    if filled:
        _locate_mark(worktree).touch()


def refill_submodules(repo: Path, worktree: Path, commit: str) -> None:
    """Give the submodules of a worktree their files anew, if they were filled before."""
    if (worktree / MODULES).exists() and _locate_mark(worktree).exists():
        fill_submodules(repo, worktree, commit)


def list_absent(repo: Path, commit: str) -> list[str]:
    """List the submodules of a commit whose files the checkout does not have."""
    submodules = _list_submodules(Git(repo), commit)
    return [path for path, target in submodules if not _has_commit(repo / path, target)]


def _list_submodules(git: Git, commit: str) -> Iterator[tuple[str, str]]:
    """List path and commit of each submodule."""
    if not git.succeeds("cat-file", "-e", f"{commit}:{MODULES}"):
        return
    query = ("--null", "--get-regexp", r"^submodule\..*\.path$")
    with suppress(GitFailed):
        settings = git.run("config", f"--blob={commit}:{MODULES}", *query).split("\0")
        paths = [path for _, _, path in (line.partition("\n") for line in settings) if path]
        plain = [path for path in paths if _is_plain(path)]
        listing = git.run("ls-tree", "-z", "--full-tree", commit, "--", *plain) if plain else ""
        for entry in filter(None, listing.split("\0")):
            attributes, path = entry.split("\t", 1)
            mode, _, target = attributes.split()
            if mode == SUBMODULE_MODE:
                yield path, target


def _is_plain(path: str) -> bool:
    try:
        parse_path(path)
    except RefusedPath:
        return False
    return True


def _has_commit(source: Path, commit: str) -> bool:
    is_clone = (source / ".git").exists()
    return is_clone and Git(source).succeeds("cat-file", "-e", f"{commit}^{{commit}}")


def _fill(source: Path, target: Path, commit: str) -> bool:
    """Make a clone that borrows the objects of another; anew, since tests may have been at it."""
    if target.is_symlink() or target.is_file():
        target.unlink()
    elif target.exists():
        shutil.rmtree(target)
    try:
        words = ("clone", "--quiet", "--shared", "--no-checkout", str(source), str(target))
        Git(source).run(*words)
        Git(target).run("checkout", "--quiet", "--detach", commit)
    except GitFailed:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        return False
    return True


def _locate_mark(worktree: Path) -> Path:
    path = Git(worktree).run("rev-parse", "--path-format=absolute", "--git-path", MARK)
    return Path(path)
