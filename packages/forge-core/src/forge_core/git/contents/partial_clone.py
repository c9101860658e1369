"""Clones that lack contents until they are needed, each of which git would fetch by a request.

What is about to be read is fetched by one request instead. Without a network it stays missing, and
reading it fails as git says.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from forge_core.errors import GitFailed
from forge_core.git.command import Git

REMOTES = ("config", "--null", "--name-only", "--get-regexp", r"^remote\..*\.promisor$")
"""The command that names the remotes which have promised to give what is missing."""

PROMISE = re.compile(r"promisor|partialclone", re.IGNORECASE)

FETCH = (
    *("-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags"),
    *("--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none", "--stdin"),
)
"""How git itself fetches objects by their ids, before the name of the remote."""

MISSING = "?"
"""How ``git rev-list`` marks what is not there."""


def find_promisor(repo: Path) -> str | None:
    """Find the remote that gives what a repository or worktree lacks; None for a whole one."""
    config = _locate_config(repo)
    # Hardly any clone is partial, and reading a file is cheaper than starting git.
    if config is None or not PROMISE.search(config.read_text(errors="replace")):
        return None
    with suppress(GitFailed):
        names = Git(repo).run(*REMOTES).split("\0")
        return names[0].removeprefix("remote.").removesuffix(".promisor")
    return None


def list_missing(repo: Path, commit: str, paths: Sequence[str] = ()) -> frozenset[str]:
    """List the ids of the contents of a commit that are not there; nothing is fetched.

    Args:
        repo: A repository or a worktree of it.
        commit: Its hash, or a name of it.
        paths: Those that are asked about; none for all.
    """
    if find_promisor(repo) is None:
        return frozenset()
    words = ("rev-list", "--objects", "--missing=print", "--no-walk", commit, "--", *paths)
    lines = Git(repo).run(*words).split("\n")
    return frozenset(line.removeprefix(MISSING) for line in lines if line.startswith(MISSING))


def prefetch(repo: Path, commit: str, paths: Sequence[str]) -> None:
    """Fetch, by one request, what is missing of some paths of a commit.

    Nothing happens where that does not succeed: who reads it is told by git.
    """
    remote = find_promisor(repo) if paths else None
    missing = list_missing(repo, commit, paths) if remote is not None else ()
    if missing and remote is not None:
        with suppress(GitFailed):
            Git(repo).run(*FETCH, remote, stdin="\n".join(sorted(missing)).encode())


def _locate_config(repo: Path) -> Path | None:
    """Return where the configuration is that all worktrees share; None where git alone knows."""
    git = repo / ".git"
    try:
        if not git.is_dir():
            private = repo / git.read_text().removeprefix("gitdir: ").strip()
            git = private / (private / "commondir").read_text().strip()
    except OSError:
        return None
    return git / "config" if (git / "config").is_file() else None
