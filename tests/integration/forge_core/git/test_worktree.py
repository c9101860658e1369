"""Worktrees are made once, found again, and healed after a kill at any point."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from forge_core.errors import RepositoryError
from forge_core.git.worktree import (
    Worktree,
    ensure_sub_worktree,
    ensure_task_worktree,
    remove_sub_worktrees,
    reset_worktree,
)
from support.repository import commit_all, git, make_repository, put_files

FILES = {"a.txt": "a\n", ".gitignore": "*.log\n", "src/b.py": "b = 1\n"}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", FILES)


@pytest.fixture
def base(repo: Path) -> str:
    return git(repo, "rev-parse", "HEAD")


def list_worktrees(repo: Path) -> list[str]:
    lines = git(repo, "worktree", "list", "--porcelain").splitlines()
    paths = [Path(line.split(" ", 1)[1]) for line in lines if line.startswith("worktree ")]
    return sorted(str(path.relative_to(repo)) for path in paths)


def is_whole(worktree: Worktree) -> bool:
    tracked = all((worktree.path / name).read_text() == text for name, text in FILES.items())
    return tracked and git(worktree.path, "status", "--porcelain", "--ignored") == ""


def test_task_gets_a_branch_and_a_worktree_at_its_base(repo: Path, base: str) -> None:
    commit_all(repo, {"later.txt": ""}, "Later")

    worktree = ensure_task_worktree(repo, "task", base)

    assert worktree == Worktree(repo / ".forge-worktrees/task", "forge/task", base)
    assert git(worktree.path, "symbolic-ref", "HEAD") == "refs/heads/forge/task"
    assert is_whole(worktree)


def test_second_call_finds_the_worktree_with_its_commits_and_files(repo: Path, base: str) -> None:
    first = ensure_task_worktree(repo, "task", base)
    head = commit_all(first.path, {"new.txt": "n"}, "Work")
    put_files(first.path, {"draft.txt": "d"})

    second = ensure_task_worktree(repo, "task", base)

    assert second == Worktree(first.path, "forge/task", head)
    assert (first.path / "draft.txt").read_text() == "d"


def test_worktree_is_found_from_a_linked_checkout_too(
    repo: Path, base: str, tmp_path: Path
) -> None:
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "--quiet", "--detach", str(linked))

    worktree = ensure_task_worktree(linked.resolve(), "task", base)

    assert worktree == ensure_task_worktree(linked.resolve(), "task", base)
    assert git(linked, "status", "--porcelain") == ""


def kill_between_branch_and_worktree(repo: Path, base: str) -> None:
    git(repo, "branch", "forge/task", base)


def kill_before_registration(repo: Path, base: str) -> None:
    git(repo, "branch", "forge/task", base)
    put_files(repo, {".forge-worktrees/task/a.txt": "half"})


def kill_before_checkout(repo: Path, base: str) -> None:
    path = repo / ".forge-worktrees/task"
    git(repo, "worktree", "add", "--quiet", "--no-checkout", "-b", "forge/task", str(path), base)
    (repo / ".git/worktrees/task/locked").write_text("initializing")


def kill_during_checkout(repo: Path, base: str) -> None:
    path = repo / ".forge-worktrees/task"
    git(repo, "worktree", "add", "--quiet", "-b", "forge/task", str(path), base)
    (path / "a.txt").unlink()
    put_files(repo / ".git/worktrees/task", {"locked": "initializing", "index.lock": ""})


def lose_the_directory(repo: Path, base: str) -> None:
    shutil.rmtree(ensure_task_worktree(repo, "task", base).path)


def lose_the_directory_of_a_locked_one(repo: Path, base: str) -> None:
    kill_during_checkout(repo, base)
    shutil.rmtree(repo / ".forge-worktrees/task")


def lose_the_registration(repo: Path, base: str) -> None:
    ensure_task_worktree(repo, "task", base)
    shutil.rmtree(repo / ".git/worktrees/task")


def lose_the_git_file(repo: Path, base: str) -> None:
    (ensure_task_worktree(repo, "task", base).path / ".git").unlink()


def lose_the_branch(repo: Path, base: str) -> None:
    ensure_task_worktree(repo, "task", base)
    git(repo, "update-ref", "-d", "refs/heads/forge/task")


def leave_a_file_in_its_place(repo: Path, base: str) -> None:
    assert base
    put_files(repo, {".forge-worktrees/task": ""})


HALF_MADE = (
    kill_between_branch_and_worktree,
    kill_before_registration,
    kill_before_checkout,
    kill_during_checkout,
    lose_the_directory,
    lose_the_directory_of_a_locked_one,
    lose_the_registration,
    lose_the_git_file,
    lose_the_branch,
    leave_a_file_in_its_place,
)


@pytest.mark.parametrize("break_off", HALF_MADE, ids=lambda step: step.__name__)
def test_half_made_worktree_is_healed(repo: Path, base: str, break_off: object) -> None:
    assert callable(break_off)
    break_off(repo, base)

    worktree = ensure_task_worktree(repo, "task", base)

    assert worktree == Worktree(repo / ".forge-worktrees/task", "forge/task", base)
    assert is_whole(worktree)
    assert list_worktrees(repo) == [".", ".forge-worktrees/task"]


def test_worktree_whose_git_was_killed_while_checking_out_is_healed(
    repo: Path, base: str, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    os.mkfifo(stop)
    put_files(repo, {".git/info/attributes": "b.py filter=slow\n"})
    path = repo / ".forge-worktrees/task"
    slow = ("-c", f"filter.slow.smudge=echo > {stop}; sleep 60")
    adding = subprocess.Popen(
        ["git", *slow, "worktree", "add", "--quiet", "-b", "forge/task", str(path), base],
        cwd=repo,
        start_new_session=True,
    )
    stop.read_text()
    os.killpg(adding.pid, signal.SIGKILL)
    adding.wait()

    worktree = ensure_task_worktree(repo, "task", base)

    assert is_whole(worktree)


def test_worktrees_are_kept_out_of_status_once(repo: Path, base: str) -> None:
    exclude = repo / ".git/info/exclude"
    exclude.write_bytes(b"*.mine\n# \xff no newline")

    ensure_task_worktree(repo, "one", base)
    ensure_task_worktree(repo, "two", base)

    assert exclude.read_bytes() == b"*.mine\n# \xff no newline\n/.forge-worktrees/\n"
    assert git(repo, "status", "--porcelain") == ""


def test_missing_info_directory_is_made(repo: Path, base: str) -> None:
    shutil.rmtree(repo / ".git/info")

    ensure_task_worktree(repo, "task", base)

    assert git(repo, "status", "--porcelain") == ""


def test_link_in_place_of_the_worktrees_is_not_followed(
    repo: Path, base: str, tmp_path: Path
) -> None:
    put_files(tmp_path / "outside", {"task/precious.txt": "p"})
    (repo / ".forge-worktrees").symlink_to(tmp_path / "outside")

    with pytest.raises(RepositoryError, match="symbolic link"):
        ensure_task_worktree(repo, "task", base)

    assert (tmp_path / "outside/task/precious.txt").exists()


def test_file_in_place_of_the_worktrees_is_named_and_left(repo: Path, base: str) -> None:
    (repo / ".forge-worktrees").write_text("mine\n")

    with pytest.raises(
        RepositoryError,
        match=r"\.forge-worktrees is not a directory, but worktrees belong there: move it away",
    ):
        ensure_task_worktree(repo, "task", base)

    assert (repo / ".forge-worktrees").read_text() == "mine\n"


def test_users_lost_worktree_stays_registered(repo: Path, base: str, tmp_path: Path) -> None:
    away = tmp_path / "away"
    git(repo, "worktree", "add", "--quiet", "--detach", str(away))
    away.rename(tmp_path / "unplugged")

    ensure_task_worktree(repo, "task", base)
    ensure_sub_worktree(repo, "task", "step", "part", base)
    remove_sub_worktrees(repo, "task", "step")
    (tmp_path / "unplugged").rename(away)

    assert git(away, "rev-parse", "HEAD") == base


def test_sub_task_gets_a_detached_worktree(repo: Path, base: str) -> None:
    worktree = ensure_sub_worktree(repo, "task", "step", "part", base)

    assert worktree == Worktree(repo / ".forge-worktrees/.sub/task/step/part", None, base)
    assert git(worktree.path, "rev-parse", "--symbolic-full-name", "HEAD") == "HEAD"
    assert is_whole(worktree)


def test_sub_worktree_that_stands_is_brought_back_to_the_commit(repo: Path, base: str) -> None:
    first = ensure_sub_worktree(repo, "task", "step", "part", base)
    commit_all(first.path, {"a.txt": "changed", "new.txt": "n"}, "Work")
    put_files(first.path, {"draft.txt": "d", "x.log": "ignored"})

    second = ensure_sub_worktree(repo, "task", "step", "part", base)

    assert second == first
    assert is_whole(second)


def test_sub_worktree_on_a_branch_is_made_anew_and_the_branch_stays(repo: Path, base: str) -> None:
    first = ensure_sub_worktree(repo, "task", "step", "part", base)
    git(first.path, "switch", "--quiet", "-c", "mine")
    mine = commit_all(first.path, {"mine.txt": "m"}, "Mine")

    second = ensure_sub_worktree(repo, "task", "step", "part", base)

    assert is_whole(second)
    assert git(repo, "rev-parse", "mine") == mine


def test_half_made_sub_worktree_is_healed(repo: Path, base: str) -> None:
    path = ensure_sub_worktree(repo, "task", "step", "part", base).path
    shutil.rmtree(path)
    put_files(path, {"half.txt": ""})

    assert is_whole(ensure_sub_worktree(repo, "task", "step", "part", base))


def test_same_names_in_other_steps_are_other_worktrees(repo: Path, base: str) -> None:
    paths = {
        ensure_sub_worktree(repo, task, step, "part", base).path
        for task in ("one", "two")
        for step in ("x", "y")
    }

    assert len(paths) == 4


def test_sub_worktrees_of_a_step_are_removed_without_a_trace(repo: Path, base: str) -> None:
    ensure_task_worktree(repo, "task", base)
    for part in ("one", "two", "three"):
        path = ensure_sub_worktree(repo, "task", "step", part, base).path
        put_files(path, {"draft.txt": "d"})
    shutil.rmtree(path)
    put_files(repo, {".forge-worktrees/.sub/task/step/left/over.txt": ""})

    remove_sub_worktrees(repo, "task", "step")
    remove_sub_worktrees(repo, "task", "step")

    assert list_worktrees(repo) == [".", ".forge-worktrees/task"]
    assert [path.name for path in (repo / ".forge-worktrees").iterdir()] == ["task"]


def test_removing_one_step_leaves_the_worktrees_of_others(repo: Path, base: str) -> None:
    ensure_sub_worktree(repo, "task", "step", "part", base)
    other = ensure_sub_worktree(repo, "task", "step-2", "part", base)

    remove_sub_worktrees(repo, "task", "step")

    assert is_whole(other)
    assert list_worktrees(repo) == [".", ".forge-worktrees/.sub/task/step-2/part"]


def test_reset_leaves_nothing_of_the_attempt(repo: Path, base: str) -> None:
    worktree = ensure_task_worktree(repo, "task", base)
    commit_all(worktree.path, {"a.txt": "committed"}, "Attempt")
    put_files(
        worktree.path,
        {"src/b.py": "changed", "new/x.py": "", "trace.log": "ignored", "nested/.git/HEAD": "x"},
    )
    git(worktree.path, "add", "new/x.py")

    reset_worktree(worktree.path, base)
    reset_worktree(worktree.path, base)

    assert is_whole(worktree)
    assert git(repo, "rev-parse", "forge/task") == base


def test_reset_gets_past_the_locks_of_a_killed_git(repo: Path, base: str) -> None:
    worktree = ensure_task_worktree(repo, "task", base)
    commit_all(worktree.path, {"a.txt": "changed"}, "Attempt")
    own = repo / ".git/worktrees/task"
    put_files(own, {"index.lock": "", "HEAD.lock": ""})
    put_files(repo / ".git", {"refs/heads/forge/task.lock": ""})

    reset_worktree(worktree.path, base)

    assert is_whole(worktree)
    assert not list(own.glob("*.lock"))
