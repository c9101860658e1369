"""Which commit a line of a file comes from, and what commits say of themselves."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from forge_core.errors import GitFailed, RepositoryError, UsageError
from forge_core.git.command import Git
from forge_core.git.repository import find_repository

UNCOMMITTED = re.compile(r"0{40,64}")
"""What git calls the commit of a line that is in none yet."""

HEADER = re.compile(r"(?P<commit>[0-9a-f]{40,64}) (?P<old>\d+) (?P<new>\d+)(?: \d+)?")
"""How a line of `git blame --porcelain` begins."""

FORMAT = "%H%x00%P%x00%an%x00%ae%x00%at%x00%B%x00%x01"
"""One commit of `git log`: what no part of it can hold parts them."""

MOST_MERGED = 1000
"""Commits that a merge brought, of which the newest are looked at."""

REASONS = {
    "has only": "there is no such line: {reason}",
    "no such path": "{path} is in no commit yet: {reason}",
}
"""What git says of a request that cannot be carried out, and how it is told."""


@dataclass(frozen=True, slots=True)
class BlamedLine:
    """One line of a file as it stands."""

    number: int
    """Counted from 1."""
    text: str
    commit: str | None
    """Hash of the commit that brought it; None for a line that is in none yet."""
    path: str
    """What the file was called in that commit."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit says of itself."""

    sha: str
    parents: tuple[str, ...]
    author: str
    email: str
    authored_at: datetime
    """In UTC."""
    message: str

    @property
    def subject(self) -> str:
        """The first line of its message."""
        return self.message.partition("\n")[0]

    @property
    def is_merge(self) -> bool:
        """Whether it brings histories together."""
        return len(self.parents) > 1


def locate_file(file: Path) -> tuple[Path, str]:
    """Return the top of the checkout that a file is in, and its path below that.

    Raises:
        UsageError: There is no such file.
        RepositoryError: It is in no usable repository.
    """
    place = file.parent.resolve() / file.name
    if not place.exists():
        raise UsageError(
            f"there is no file {file}; before it is merged, a run's work is in its worktree: "
            "--repo DIR"
        )
    if place.is_dir():
        raise UsageError(f"{file} is a directory: name a file")
    top = find_repository(place.parent)
    return top, place.relative_to(top.resolve()).as_posix()


def blame_lines(
    repo: Path, path: str, first: int | None = None, last: int | None = None
) -> list[BlamedLine]:
    """Find the commit of each line of a file, or of some.

    Args:
        repo: Top of the checkout.
        path: The file, below it.
        first: The first line, from 1; None for all lines.
        last: The last one; None for the first alone.

    Raises:
        UsageError: There is no such line, or the file is in no commit.
        GitFailed: Git did not succeed otherwise.
    """
    lines = () if first is None else ("-L", f"{first},{first if last is None else last}")
    try:
        output = Git(repo).run("blame", "--porcelain", "--no-textconv", *lines, "--", path)
    except GitFailed as error:
        reason = str(error).partition("fatal: ")[2]
        for words, told in REASONS.items():
            if words in reason:
                raise UsageError(told.format(path=path, reason=reason)) from error
        raise
    return list(_parse_blame(output, path))


def _parse_blame(output: str, path: str) -> Iterator[BlamedLine]:
    """Parse the output of git, which describes a commit where it names it first."""
    paths: dict[str, str] = {}
    commit, number = "", 0
    for line in output.split("\n"):
        if line.startswith("\t"):
            is_committed = not UNCOMMITTED.fullmatch(commit)
            known = paths.get(commit, path)
            yield BlamedLine(number, line[1:], commit if is_committed else None, known)
            continue
        header = HEADER.fullmatch(line)
        if header is not None:
            commit, number = header["commit"], int(header["new"])
        elif line.startswith("filename "):
            paths[commit] = _unquote(line.removeprefix("filename "))


def _unquote(name: str) -> str:
    """Return a path that git quotes, as it does where there are quotation marks or tabs in it."""
    if not name.startswith('"'):
        return name
    escaped = name[1:-1].encode("utf-8", "surrogateescape").decode("unicode_escape")
    return escaped.encode("latin-1").decode("utf-8", "surrogateescape")


def resolve_commits(repo: Path, names: Iterable[str]) -> list[Commit]:
    """Read commits by their hashes, in this order.

    Raises:
        GitFailed: One of them is missing.
    """
    listing = "".join(f"{name}\n" for name in names)
    if not listing:
        return []
    command = ("log", "--no-walk=unsorted", "--no-show-signature", f"--format={FORMAT}", "--stdin")
    return list(_parse_log(Git(repo).run(*command, stdin=listing.encode())))


def list_merged_commits(repo: Path, merge: Commit) -> list[Commit]:
    """Read the commits that a merge brought to its first parent, the newest first."""
    command = ("log", "--no-merges", "--no-show-signature", f"--format={FORMAT}")
    limit = f"--max-count={MOST_MERGED}"
    return list(_parse_log(Git(repo).run(*command, limit, f"{merge.parents[0]}..{merge.sha}")))


def _parse_log(output: str) -> Iterator[Commit]:
    for entry in output.split("\0\x01")[:-1]:
        sha, parents, author, email, seconds, message = entry.lstrip("\n").split("\0", 5)
        moment = datetime.fromtimestamp(int(seconds), UTC)
        yield Commit(sha, tuple(parents.split()), author, email, moment, message.strip("\n"))


def list_written_paths(repo: Path, commit: Commit) -> list[str]:
    """Return the paths that a commit wrote, less those that it deleted."""
    command = ("diff-tree", "-r", "-z", "--root", "--no-commit-id", "--name-only", "--no-renames")
    output = Git(repo).run(*command, "--diff-filter=d", commit.sha)
    return [path for path in output.split("\0") if path]


def find_blob(repo: Path, commit: str, path: str) -> str | None:
    """Return the id of what a commit has at a path; None where it has nothing."""
    try:
        return Git(repo).run("rev-parse", "--verify", "--quiet", f"{commit}:{path}")
    except GitFailed:
        return None


def find_commit(repo: Path, name: str) -> Commit:
    """Read a commit by its hash, or by whatever else git knows it by.

    Raises:
        RepositoryError: There is no such commit.
    """
    try:
        sha = Git(repo).run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
    except (GitFailed, ValueError) as error:  # ValueError: a null character
        raise RepositoryError(f"there is no commit {name!r} in {repo}") from error
    return resolve_commits(repo, [sha])[0]
