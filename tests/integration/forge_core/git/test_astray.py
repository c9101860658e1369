"""Git never leaves the worktree that it was given, whatever became of it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from forge_core.errors import GitFailed
from forge_core.git.commits.commit import commit_files
from forge_core.git.commits.gather import gather_commits
from forge_core.git.commits.trailers import CommitTrailers
from forge_core.git.worktree import ensure_sub_worktree, ensure_task_worktree, reset_worktree
from support.repository import commit_all, git, make_repository, put_files, snapshot

Mishap = Callable[[Path], None]
Act = Callable[[Path, str], None]

TRAILERS = CommitTrailers("forge-task-1", None, 1)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = make_repository(tmp_path / "repo", {"app.py": "x = 1\n", "docs/a.md": "a\n"})
    git(repo, "branch", "other")
    commit_all(repo, {"more.py": "m = 1\n"}, "More")
    put_files(repo, {"app.py": "x = 'not committed'\n", "new.txt": "not tracked\n"})
    return repo


@pytest.fixture
def base(repo: Path) -> str:
    return git(repo, "rev-parse", "HEAD")


@pytest.fixture
def worktree(repo: Path, base: str) -> Path:
    return ensure_task_worktree(repo, "task", base).path


def lose_its_git_file(worktree: Path) -> None:
    (worktree / ".git").unlink()


def break_its_git_file(worktree: Path) -> None:
    (worktree / ".git").write_text("gitdir: nowhere\n")


def become_another_repository(worktree: Path) -> None:
    (worktree / ".git").unlink()
    git(worktree, "init", "--quiet", "--initial-branch=forge/task")
    commit_all(worktree, {}, "Other")


def switch_to_another_branch(worktree: Path) -> None:
    git(worktree, "checkout", "--quiet", "other")


def switch_to_a_new_branch(worktree: Path) -> None:
    git(worktree, "checkout", "--quiet", "-b", "new")


def detach(worktree: Path) -> None:
    git(worktree, "checkout", "--quiet", "--detach")


MISHAPS = [
    lose_its_git_file,
    break_its_git_file,
    switch_to_another_branch,
    switch_to_a_new_branch,
    detach,
]


def gather(worktree: Path, base: str) -> None:
    gather_commits(worktree, base, {})


def commit(worktree: Path, base: str) -> None:
    commit_files(worktree, ["app.py"], parent=base, subject="s", trailers=TRAILERS)


ACTS = [reset_worktree, gather, commit]


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.__name__)
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_worktree_that_went_astray_fails_without_touching_the_users_checkout(
    repo: Path, base: str, worktree: Path, mishap: Mishap, act: Act
) -> None:
    mishap(worktree)
    put_files(worktree, {"app.py": "x = 2\n"})
    before = snapshot(repo)

    with pytest.raises(GitFailed) as failed:
        act(worktree, base)

    assert "\n" not in str(failed.value)
    assert snapshot(repo) == before


@pytest.mark.parametrize("mishap", [*MISHAPS, become_another_repository], ids=lambda m: m.__name__)
def test_worktree_that_went_astray_is_made_anew_when_asked_for(
    repo: Path, base: str, worktree: Path, mishap: Mishap
) -> None:
    mishap(worktree)
    other = git(repo, "rev-parse", "other")

    found = ensure_task_worktree(repo, "task", base)

    assert found.head == base
    assert git(worktree, "symbolic-ref", "HEAD") == "refs/heads/forge/task"
    assert git(repo, "rev-parse", "other") == other


def test_lock_of_the_users_own_git_is_left_alone(repo: Path, base: str, worktree: Path) -> None:
    lose_its_git_file(worktree)
    put_files(repo, {".git/index.lock": "", ".git/HEAD.lock": ""})

    with pytest.raises(GitFailed):
        reset_worktree(worktree, base)

    assert (repo / ".git/index.lock").exists()
    assert (repo / ".git/HEAD.lock").exists()


def test_file_that_two_sub_tasks_deleted_is_gathered_as_deleted(
    repo: Path, base: str, worktree: Path
) -> None:
    commits = {}
    for name in ("one", "two"):
        part = ensure_sub_worktree(repo, "task", "step", name, base).path
        (part / "docs/a.md").unlink()
        commits[name] = commit_all(part, {f"{name}.py": "p = 1\n"}, name)

    paths = gather_commits(worktree, base, commits)

    assert paths == ["docs/a.md", "one.py", "two.py"]
    assert not (worktree / "docs").exists()
    assert (worktree / "two.py").is_file()
