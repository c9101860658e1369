"""Submodules: directories whose files another repository has.

No commit of ours holds any of them. Git leaves a submodule's directory empty in a new worktree, and
tests that need its files fail: they are taken from the user's checkout, without any network.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from forge_core.errors import GitFailed, RefusedPath
from forge_core.files.paths import is_plain, parse_path
from forge_core.git.command import Git
from forge_core.git.repository import has_file

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


@dataclass(frozen=True, slots=True)
class Submodule:
    """A submodule of a commit."""

    name: str
    """As ``.gitmodules`` calls it, which its clone is called too."""
    path: str
    commit: str
    """Hash of the commit of the other repository that belongs there."""


def fill_submodules(repo: Path, worktree: Path, commit: str) -> None:
    """Give a worktree the files of the submodules that the user has a clone of, nested ones too.

    What there is no clone or not the commit of stays an empty directory; see `list_absent`.

    Args:
        repo: Where the clones are.
        worktree: What is filled.
        commit: What is checked out there.
    """
    filled = [
        submodule
        for submodule in _list_submodules(Git(worktree), commit)
        if _fill(_find_clone(repo, submodule), worktree / submodule.path, submodule.commit)
    ]
    if filled:
        _locate_mark(worktree).touch()


def refill_submodules(repo: Path, worktree: Path, commit: str) -> None:
    """Give the submodules of a worktree their files anew, if they were filled before."""
    if (worktree / MODULES).exists() and _locate_mark(worktree).exists():
        fill_submodules(repo, worktree, commit)


def list_absent(repo: Path, commit: str) -> list[str]:
    """List the submodules of a commit, and those of each, which the user has no clone of."""
    absent = []
    for submodule in _list_submodules(Git(repo), commit):
        clone = _find_clone(repo, submodule)
        if clone is None:
            absent.append(submodule.path)
        else:
            nested = list_absent(clone, submodule.commit)
            absent += [f"{submodule.path}/{path}" for path in nested]
    return absent


def _list_submodules(git: Git, commit: str) -> Iterator[Submodule]:
    if not has_file(git.cwd, commit, MODULES):
        return
    query = ("--null", "--get-regexp", r"^submodule\..*\.path$")
    with suppress(GitFailed):
        settings = git.run("config", f"--blob={commit}:{MODULES}", *query).split("\0")
        pairs = (line.partition("\n") for line in settings if line)
        names = {path: key[len("submodule.") : -len(".path")] for key, _, path in pairs}
        plain = list(filter(is_plain, names))
        listing = git.run("ls-tree", "-z", "--full-tree", commit, "--", *plain) if plain else ""
        for entry in filter(None, listing.split("\0")):
            attributes, path = entry.split("\t", 1)
            mode, _, target = attributes.split()
            if mode == SUBMODULE_MODE:
                yield Submodule(names[path], path, target)


def _find_clone(repo: Path, submodule: Submodule) -> Path | None:
    """Find a clone that has the commit: in the checkout, else where git keeps those it made."""
    clones = [repo / submodule.path]
    if is_plain(submodule.name):
        clones.append(_locate(repo, "--git-common-dir") / "modules" / submodule.name)
    return next((clone for clone in clones if _has_commit(clone, submodule.commit)), None)


def _has_commit(clone: Path, commit: str) -> bool:
    is_clone = (clone / ".git").exists() or (clone / "HEAD").is_file()
    return is_clone and Git(clone).succeeds("cat-file", "-e", f"{commit}^{{commit}}")


def _fill(source: Path | None, target: Path, commit: str) -> bool:
    """Make a clone that borrows the objects of another; anew, since tests may have been at it."""
    if source is None:
        return False
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
    fill_submodules(source, target, commit)
    return True


def _locate_mark(worktree: Path) -> Path:
    return _locate(worktree, "--git-path", MARK)


def _locate(repo: Path, *what: str) -> Path:
    return Path(Git(repo).run("rev-parse", "--path-format=absolute", *what))
