"""A run changes nothing of the user's: not the checkout, index, stash, configuration or hooks."""

from pathlib import Path

import pytest
from forge_core.git.claim import claim_task
from forge_core.git.commits.commit import commit_files, drop_kept_commits, keep_commit
from forge_core.git.commits.gather import gather_commits
from forge_core.git.commits.trailers import CommitTrailers
from forge_core.git.repository import find_repository, is_dirty, resolve_commit
from forge_core.git.worktree import (
    ensure_sub_worktree,
    ensure_task_worktree,
    remove_sub_worktrees,
    reset_worktree,
)
from support.repository import commit_all, git, make_repository, put_files, snapshot

RUNS_OWN = (
    ".forge-worktrees",
    ".git/forge",
    ".git/info",
    ".git/logs/refs/heads/forge",
    ".git/objects",
    ".git/refs/forge",
    ".git/refs/heads/forge",
    ".git/worktrees",
)
"""What belongs to runs; the one line in ``info/exclude`` is tested apart."""


def snapshot_of_the_users(repo: Path) -> dict[str, tuple[int, bytes]]:
    return {
        name: state
        for name, state in snapshot(repo).items()
        if not any(Path(name).is_relative_to(own) for own in RUNS_OWN)
    }


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A checkout in the middle of work: stash, staged, changed, deleted and untracked files."""
    repo = make_repository(
        tmp_path / "repo", {"a.txt": "a\n", "b.txt": "b\n", "c.txt": "c\n", ".gitignore": "*.log\n"}
    )
    commit_all(repo, {"d.txt": "d\n"}, "More")
    git(repo, "branch", "topic")
    put_files(repo, {"a.txt": "stashed\n"})
    git(repo, "stash", "push", "--quiet")
    put_files(repo, {"a.txt": "staged\n"})
    git(repo, "add", "a.txt")
    put_files(repo, {"a.txt": "changed\n", "new.txt": "untracked\n", "x.log": "ignored\n"})
    (repo / "b.txt").unlink()
    put_files(repo, {".git/hooks/pre-commit": "#!/bin/sh\nexit 1\n"})
    return repo


def run_everything(repo: Path) -> None:
    """Do all that a planned run with a fan-out does."""
    workflow_id = "forge-task-00000001"
    base = resolve_commit(find_repository(repo), None)
    claim_task(repo, "task", workflow_id)
    worktree = ensure_task_worktree(repo, "task", base)
    put_files(worktree.path, {"a.txt": "ours\n", "n.txt": "n\n"})
    reset_worktree(worktree.path, base)
    put_files(worktree.path, {"a.txt": "ours\n"})
    first = commit_files(
        worktree.path,
        ["a.txt"],
        parent=base,
        subject="One",
        trailers=CommitTrailers(workflow_id, "one", 1),
    )
    part = ensure_sub_worktree(repo, "task", "two", "part", str(first))
    put_files(part.path, {"p.txt": "p\n"})
    trailers = CommitTrailers(workflow_id, "two", 1)
    sha = commit_files(part.path, ["p.txt"], parent=str(first), subject="Part", trailers=trailers)
    keep_commit(repo, workflow_id, "two", 1, "part", str(sha))
    paths = gather_commits(worktree.path, str(first), {"part": str(sha)})
    commit_files(worktree.path, paths, parent=str(first), subject="Two", trailers=trailers)
    remove_sub_worktrees(repo, "task", "two")
    drop_kept_commits(repo, workflow_id, "two")


def test_run_leaves_every_byte_of_the_users_as_it_was(repo: Path) -> None:
    before = snapshot_of_the_users(repo)

    run_everything(repo)

    assert snapshot_of_the_users(repo) == before


def test_users_git_sees_only_the_new_branch(repo: Path) -> None:
    def look() -> list[str]:
        return [
            git(repo, "status", "--porcelain", "--untracked-files=all"),
            git(repo, "stash", "list"),
            git(repo, "rev-parse", "HEAD", "main", "topic", "refs/stash"),
        ]

    before = look()

    run_everything(repo)

    assert look() == before
    assert git(repo, "branch", "--list", "forge/*").split() == ["+", "forge/task"]


def test_exclude_file_gains_one_line(repo: Path) -> None:
    exclude = repo / ".git/info/exclude"
    before = exclude.read_text()

    run_everything(repo)

    assert exclude.read_text() == f"{before}/.forge-worktrees/\n"


def test_refreshed_index_of_a_dirty_checkout_is_not_written_by_looking(repo: Path) -> None:
    (repo / "c.txt").touch()
    before = (repo / ".git/index").read_bytes()

    assert is_dirty(repo)
    assert (repo / ".git/index").read_bytes() == before
