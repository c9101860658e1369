"""Questions about the user's repository; none of them changes it."""

import stat
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from forge_core.errors import GitFailed, RepositoryError, TaskIdTaken
from forge_core.files.paths import is_plain
from forge_core.git.command import Git

BRANCHES = "forge"
"""First part of the names of the branches of all runs."""

CHECK_IGNORED = ("--no-literal-pathspecs", "check-ignore", "-z", "--stdin")
"""The command, which cannot be told that paths are literal and takes them so anyway."""

NONE_IGNORED = 1
"""Exit code of ``git check-ignore`` where it has nothing to list."""


def branch_name(task_id: str) -> str:
    """Return the name of a task's branch."""
    return f"{BRANCHES}/{task_id}"


def find_repository(path: Path) -> Path:
    """Return the top of the checkout that `path` is in.

    Raises:
        RepositoryError: It is no directory, in no git repository, bare, damaged, or without a
            commit.
    """
    if not path.is_dir():
        raise RepositoryError(f"{path} is not a directory")
    git = Git(path)
    try:
        top = git.run("rev-parse", "--show-toplevel")
    except GitFailed as error:
        raise RepositoryError(f"{path.resolve()} {_find_fault(git, error)}") from error
    if not git.succeeds("rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
        raise RepositoryError(f"{top} {_explain_no_commit(git)}")
    return Path(top)


def resolve_commit(repo: Path, ref: str | None) -> str:
    """Resolve a branch, tag or commit to a hash; None means HEAD.

    Raises:
        RepositoryError: There is no such commit.
    """
    name = "HEAD" if ref is None else ref
    try:
        return Git(repo).run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
    except (GitFailed, ValueError) as error:  # ValueError: a null character
        raise RepositoryError(f"unknown base branch {name!r}{_suggest(repo, name)}") from error


def _suggest(repo: Path, name: str) -> str:
    """Propose branches and tags that are spelt alike, as the end of a sentence."""
    import difflib  # noqa: PLC0415 - for a mistake only

    refs = Git(repo).run("for-each-ref", "--format=%(refname:short)").splitlines()
    near = difflib.get_close_matches(name, refs, n=3)
    return f": did you mean {' or '.join(near)}?" if near else ""


def has_commit(repo: Path, commit: str) -> bool:
    """Return whether there is a repository that has a commit."""
    return repo.is_dir() and Git(repo).succeeds("cat-file", "-e", f"{commit}^{{commit}}")


def has_file(repo: Path, commit: str, path: str) -> bool:
    """Return whether a commit has something at a path."""
    return Git(repo).succeeds("rev-parse", "--verify", "--quiet", f"{commit}:{path}")


def list_files(repo: Path, commit: str) -> list[str]:
    """List the paths of all files of a commit."""
    listing = Git(repo).run("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
    return [path for path in listing.split("\0") if path]


def is_dirty(repo: Path) -> bool:
    """Return whether the checkout has uncommitted changes."""
    return bool(Git(repo).run("status", "--porcelain", "-z"))


def common_directory(repo: Path) -> Path:
    """Return the git directory that all worktrees of a repository share.

    Git is asked once for as long as the same directory is at the top of the checkout.
    """
    try:
        status = (repo / ".git").lstat()
    except OSError:
        return _ask_common_directory(repo)
    if not stat.S_ISDIR(status.st_mode):
        return _ask_common_directory(repo)
    return _recall_common_directory(repo, status.st_dev, status.st_ino)


@lru_cache(maxsize=256)
def _recall_common_directory(repo: Path, _device: int, _inode: int) -> Path:
    return _ask_common_directory(repo)


def _ask_common_directory(repo: Path) -> Path:
    return Path(Git(repo).run("rev-parse", "--path-format=absolute", "--git-common-dir"))


def branch_exists(repo: Path, branch: str) -> bool:
    """Return whether a branch exists."""
    return Git(repo).succeeds("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}")


def read_claim(repo: Path, task_id: str) -> str | None:
    """Return the workflow id that owns a task id, None without one."""
    try:
        return claim_path(repo, task_id).read_text().strip()
    except FileNotFoundError:
        return None


def claim_path(repo: Path, task_id: str) -> Path:
    """Return the path of the claim on a task id."""
    return common_directory(repo) / "forge" / "claims" / task_id


def check_task_id_free(repo: Path, task_id: str) -> None:
    """Check that no run has a task id.

    Raises:
        TaskIdTaken: One has, or a branch is in the way; the message says which and how to
            get past it.
    """
    owner = read_claim(repo, task_id)
    branch = branch_name(task_id)
    if owner is not None:
        raise TaskIdTaken(
            f"task id {task_id!r} is taken by run {owner}: choose another --task-id, or "
            f"free it by `forge clean {task_id}`, which removes its worktree and branch {branch}"
        )
    rival = _find_rival(repo, branch)
    if rival == BRANCHES:
        raise TaskIdTaken(
            f"branch {branch} cannot be created beside a branch called {BRANCHES!r}, nor can that "
            f"of any run: rename it by `git branch -m {BRANCHES} <another name>`"
        )
    if rival is not None:
        raise TaskIdTaken(
            f"branch {branch} cannot be created because branch {rival} exists: "
            f"choose another --task-id, or rename or delete it"
        )


def _find_fault(git: Git, error: GitFailed) -> str:
    if "not a git repository" in str(error):
        return "is not in a git repository"
    try:
        bare = git.run("rev-parse", "--is-bare-repository") == "true"
    except GitFailed:
        return f"cannot be used: {error}"
    return "is in a bare repository, which has no checkout" if bare else "is in a .git directory"


def _explain_no_commit(git: Git) -> str:
    try:
        commit = git.run("rev-parse", "--verify", "--quiet", "HEAD")
    except GitFailed:
        return "has no commit yet: make one first"
    return f"is damaged, commit {commit[:12]} of HEAD cannot be read: see what `git fsck` says"


def _find_rival(repo: Path, branch: str) -> str | None:
    """Return the branch that keeps `branch` from being created, maybe itself."""
    names = (
        Git(repo)
        .run("for-each-ref", "--format=%(refname:lstrip=2)", f"refs/heads/{BRANCHES}")
        .split("\n")
    )
    return next((n for n in names if n in {BRANCHES, branch} or n.startswith(f"{branch}/")), None)


def find_ignored(worktree: Path, paths: Sequence[str]) -> list[str]:
    """Find the paths that git ignores, by the worktree's patterns and the user's own.

    One that leads through a link cannot be asked for and is refused elsewhere: then none is found.
    """
    plain = [path for path in paths if is_plain(path)]
    if not plain:
        return []
    listing = "\0".join(plain).encode()
    with suppress(GitFailed):
        output = Git(worktree).read(*CHECK_IGNORED, stdin=listing, answers=(NONE_IGNORED,))
        return list(filter(None, output.decode().split("\0")))
    return []
