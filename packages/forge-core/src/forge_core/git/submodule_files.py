"""Files of submodules in a worktree, taken from the user's checkout without any network.

Git leaves a submodule's directory empty in a new worktree, and tests that need its files fail.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from forge_core.errors import GitFailed, RefusedPath
from forge_core.files.paths import parse_path
from forge_core.git.command import Git
from forge_core.git.submodules import SUBMODULE_MODE

MODULES = ".gitmodules"

MARK = "forge-submodules"
"""File in git's own directory of a worktree that says that submodules were filled there."""


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
