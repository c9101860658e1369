"""One activity at a time works in a worktree, and waits for what a dead one left running."""

import os
import signal
import threading
from pathlib import Path

import pytest
from forge_core.activities.git import create_worktree
from forge_core.errors import GitFailed, WorktreeBusy
from forge_core.locks.worktree_lock import exclusive, inherited_locks
from forge_core.models.activity import CreateWorktreeInput
from forge_core.shell.bounds import CommandBounds, ResourceLimits
from forge_core.shell.run import run_command
from support.children import is_alive, start_child, wait_for
from support.repository import git, make_repository, put_files
from support.waiting import wait_until


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    worktree = tmp_path / "place" / "task"
    worktree.mkdir(parents=True)
    return worktree


def test_lock_is_gone_afterwards(worktree: Path) -> None:
    with exclusive(worktree):
        assert [path.name for path in worktree.parent.iterdir() if path != worktree]

    assert list(worktree.parent.iterdir()) == [worktree]
    assert inherited_locks() == ()


def test_lock_is_gone_after_a_failure_too(worktree: Path) -> None:
    with pytest.raises(KeyError), exclusive(worktree):
        raise KeyError

    assert list(worktree.parent.iterdir()) == [worktree]


def test_worktree_that_stays_busy_is_said_to_be(worktree: Path) -> None:
    with (
        exclusive(worktree),
        pytest.raises(WorktreeBusy, match="an earlier attempt is still working"),
        exclusive(worktree, deadline_s=0.2),
    ):
        raise AssertionError


def test_other_worktrees_are_free(worktree: Path) -> None:
    with exclusive(worktree), exclusive(worktree.with_name("other"), deadline_s=0):
        assert len(inherited_locks()) == 2


def test_worktree_without_a_directory_is_a_failure_of_git(tmp_path: Path) -> None:
    with pytest.raises(GitFailed, match="no longer exists"), exclusive(tmp_path / "gone" / "task"):
        raise AssertionError


def test_link_in_place_of_the_lock_is_not_followed(worktree: Path, tmp_path: Path) -> None:
    worktree.with_name(".task.lock").symlink_to(tmp_path / "outside")

    with pytest.raises(OSError, match="symbolic link"), exclusive(worktree):
        raise AssertionError

    assert not (tmp_path / "outside").exists()


def test_many_threads_take_turns(worktree: Path) -> None:
    inside, seen = [0], []

    def work() -> None:
        for _ in range(5):
            with exclusive(worktree):
                inside[0] += 1
                seen.append(inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [1] * 30


def test_lock_of_a_killed_process_is_free_at_once(worktree: Path, tmp_path: Path) -> None:
    def hold() -> bool:
        with exclusive(worktree):
            (tmp_path / "held").touch()
            signal.pause()
        return True

    child = start_child(hold)
    wait_until((tmp_path / "held").exists, "the lock")
    os.kill(child, signal.SIGKILL)
    wait_for(child)

    with exclusive(worktree):
        pass
    assert list(worktree.parent.iterdir()) == [worktree]


@pytest.mark.parametrize("limits", [None, ResourceLimits()], ids=["trusted", "bounded"])
def test_command_of_a_killed_process_keeps_the_lock_until_it_has_ended(
    worktree: Path, tmp_path: Path, limits: ResourceLimits | None
) -> None:
    script = f"cd {tmp_path}; echo $$ > new; mv new pid; until [ -e go ]; do sleep 0.02; done"

    def validate() -> bool:
        with exclusive(worktree):
            env = {"PATH": os.environ["PATH"]}
            bounds = CommandBounds(60, limits=limits)
            run_command(["/bin/sh", "-c", script], cwd=worktree, env=env, bounds=bounds)
        return True

    child = start_child(validate)
    wait_until((tmp_path / "pid").exists, "the command")
    os.kill(child, signal.SIGKILL)
    wait_for(child)
    if limits is None:
        with pytest.raises(WorktreeBusy), exclusive(worktree, deadline_s=0.3):
            raise AssertionError
        (tmp_path / "go").touch()

    with exclusive(worktree):
        assert not is_alive(int((tmp_path / "pid").read_text()))


def test_git_that_outlives_its_forge_is_waited_for(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo", {"a.txt": "a\n", "z.py": "z\n"})
    put_files(repo, {".git/info/attributes": "z.py filter=slow\n"})
    slow = f"touch {tmp_path}/started; until [ -e {tmp_path}/go ]; do sleep 0.02; done; cat"
    git(repo, "config", "filter.slow.smudge", slow)
    work = CreateWorktreeInput(
        repo_root=str(repo),
        task_id="task",
        workflow_id="forge-task-1",
        base_commit=git(repo, "rev-parse", "HEAD"),
    )
    child = start_child(lambda: bool(create_worktree(work)))
    wait_until((tmp_path / "started").exists, "the checkout")
    os.kill(child, signal.SIGKILL)
    wait_for(child)
    with pytest.raises(WorktreeBusy), exclusive(repo / ".forge-worktrees/task", deadline_s=0.2):
        raise AssertionError
    (tmp_path / "go").touch()

    workspace = create_worktree(work)

    worktree = Path(workspace.path)
    assert workspace.head == work.base_commit
    assert git(worktree, "status", "--porcelain") == ""
    assert (worktree / "z.py").read_text() == "z\n"
    assert [path.name for path in worktree.parent.iterdir()] == ["task"]
