"""Every activity may run twice or be killed at any point and run again: the result is the same.

The points are the moments before each effect on files and before each command, so also those
between the last effect and the activity's completion.
"""

import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forge_core.activities.files import validate_output, write_output
from forge_core.activities.git import (
    commit_attempt,
    create_sub_worktree,
    create_worktree,
    gather_sub_tasks,
    remove_sub_task_worktrees,
    reset_worktree_to,
)
from forge_core.errors import TaskIdTaken
from forge_core.git.claim import claim_task
from forge_core.models.activity import (
    CommitInput,
    CreateSubWorktreeInput,
    CreateWorktreeInput,
    GatherInput,
    KeptCommit,
    RemoveSubWorktreesInput,
    ResetWorktreeInput,
    ValidateInput,
    ValidateResult,
    WriteFilesInput,
)
from forge_core.models.call.llm import FileEdit, FileOutput, FileRename
from forge_core.models.task import ValidationConfig
from support.children import start_child, wait_for
from support.repository import git, make_repository, put_files, snapshot
from temporalio.testing import ActivityEnvironment

Activity = Callable[[], Any]
"""An activity with its argument, to be executed as often as one likes."""

EFFECTS = frozenset(
    {
        "fcntl.flock", "open", "os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename",
        "os.rmdir", "os.symlink", "os.truncate", "shutil.rmtree", "subprocess.Popen",
    }
)  # fmt: skip
"""Audit events before something is changed; `open` where it is for writing."""

WORKFLOW = "forge-task-00000001"
FILES = {"a.py": "a = 1\n", "old.py": "o = 1\n", "gone.py": "g = 1\n", ".gitignore": "*.log\n"}
UNFORMATTED = "import os\nx   =  1\n"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which the same commit always has the same hash."""
    for person in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{person}_DATE", "2026-01-01T00:00:00Z")
    return make_repository(tmp_path / "repo", FILES)


def execute(activity: Callable[[Any], Any], argument: Any) -> Any:
    result = ActivityEnvironment().run(activity, argument)
    if isinstance(result, ValidateResult):  # Durations differ.
        return [(verdict.check_name, verdict.passed) for verdict in result.results]
    return result


def head(repo: Path) -> str:
    return git(repo, "rev-parse", "HEAD")


def make_task_worktree(repo: Path) -> Activity:
    work = CreateWorktreeInput(
        repo_root=str(repo), task_id="task", workflow_id=WORKFLOW, base_commit=head(repo)
    )
    return lambda: execute(create_worktree, work)


def make_sub_worktree(repo: Path, part: str = "part") -> Activity:
    claim_task(repo, "task", WORKFLOW)
    work = CreateSubWorktreeInput(
        workflow_id=WORKFLOW,
        repo_root=str(repo),
        task_id="task",
        step_id="step",
        sub_task_id=part,
        commit=head(repo),
    )
    return lambda: execute(create_sub_worktree, work)


def remake_sub_worktree(repo: Path) -> Activity:
    make = make_sub_worktree(repo)
    put_files(Path(make().path), {"a.py": "changed\n", "new.py": "n\n", "x.log": "l\n"})
    return make


def write(repo: Path) -> Activity:
    worktree = make_task_worktree(repo)().path
    files = {"a.py": "a = 2\n", "deep/er/new.py": "n = 1\n", "b.txt": "b\n"}
    outputs = tuple(FileOutput(file_path=path, content=text) for path, text in files.items())
    work = WriteFilesInput(
        workflow_id=WORKFLOW,
        worktree=worktree,
        files=outputs[1:],
        edits=(FileEdit(file_path="a.py", search="a = 1\n", replace="a = 2\n"),),
        deletions=("gone.py",),
        renames=(FileRename(file_path="old.py", new_path="moved/new.py"),),
    )
    return lambda: execute(write_output, work)


def validate(repo: Path) -> Activity:
    worktree = make_task_worktree(repo)().path
    put_files(Path(worktree), {"a.py": UNFORMATTED, "b.py": UNFORMATTED})
    config = ValidationConfig(run_tests=True, test_command="grep -q 'x = 1' a.py b.py")
    work = ValidateInput(
        workflow_id=WORKFLOW,
        worktree=worktree,
        paths=("a.py", "b.py"),
        config=config,
        task_id="task",
        attempt=1,
    )
    return lambda: execute(validate_output, work)


def commit(repo: Path) -> Activity:
    worktree = make_task_worktree(repo)().path
    put_files(Path(worktree), {"a.py": "a = 2\n", "new/b.py": "b = 1\n", "stray.txt": "s\n"})
    work = CommitInput(
        worktree=worktree,
        paths=("a.py", "new/b.py"),
        parent=head(repo),
        subject="Work",
        workflow_id=WORKFLOW,
        attempt=1,
    )
    return lambda: execute(commit_attempt, work)


def commit_part(repo: Path, part: str = "part") -> Activity:
    worktree = make_sub_worktree(repo, part)().path
    put_files(Path(worktree), {f"{part}.py": "p = 1\n"})
    work = CommitInput(
        worktree=worktree,
        paths=(f"{part}.py",),
        parent=head(repo),
        subject="Part",
        workflow_id=WORKFLOW,
        step_id="step",
        attempt=1,
        kept=KeptCommit(repo_root=str(repo), step_attempt=1, sub_task_id=part),
    )
    return lambda: execute(commit_attempt, work)


def gather(repo: Path) -> Activity:
    worktree = make_task_worktree(repo)().path
    commits = {part: commit_part(repo, part)().head for part in ("one", "two")}
    work = GatherInput(workflow_id=WORKFLOW, worktree=worktree, base=head(repo), commits=commits)
    put_files(Path(worktree), {"left.txt": "of a failed attempt\n"})
    return lambda: execute(gather_sub_tasks, work)


def reset(repo: Path) -> Activity:
    worktree = make_task_worktree(repo)().path
    put_files(Path(worktree), {"a.py": "a = 2\n", "new/b.py": "b\n", "x.log": "ignored\n"})
    work = ResetWorktreeInput(workflow_id=WORKFLOW, path=worktree, commit=head(repo))
    return lambda: execute(reset_worktree_to, work)


def remove(repo: Path) -> Activity:
    make_task_worktree(repo)()
    for part in ("one", "two"):
        commit_part(repo, part)()
    work = RemoveSubWorktreesInput(
        repo_root=str(repo), task_id="task", workflow_id=WORKFLOW, step_id="step"
    )
    return lambda: execute(remove_sub_task_worktrees, work)


CASES = [
    make_task_worktree,
    make_sub_worktree,
    remake_sub_worktree,
    write,
    validate,
    commit,
    commit_part,
    gather,
    reset,
    remove,
]

each_case = pytest.mark.parametrize("prepare", CASES, ids=lambda prepare: prepare.__name__)


def look(repo: Path) -> dict[str, Any]:
    """Give all that a run may have changed in a repository, but for git's objects."""
    own = repo / ".git"
    worktrees = [
        Path(line.removeprefix("worktree "))
        for line in git(repo, "worktree", "list", "--porcelain").splitlines()
        if line.startswith("worktree ")
    ]
    return {
        "refs": git(repo, "for-each-ref"),
        "worktrees": {
            str(path): (
                git(path, "rev-parse", "HEAD"),
                git(path, "status", "--porcelain", "--ignored", "--untracked-files=all"),
            )
            for path in worktrees
        },
        "files": {
            path: content
            for path, (_, content) in snapshot(repo).items()
            if not path.startswith(".git/") and not path.endswith("/.git")
        },
        "registered": sorted(path.name for path in own.glob("worktrees/*")),
        "claims": snapshot(own / "forge"),
        "locks": sorted(str(path) for path in own.rglob("*.lock")),
    }


def die_before(number: int) -> None:
    """Kill this process before its effect of this number, counted from 1."""
    effects = itertools.count(1)

    def count(event: str, args: tuple[Any, ...]) -> None:
        if event not in EFFECTS or (event == "open" and not is_for_writing(args)):
            return
        if next(effects) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def is_for_writing(args: tuple[Any, ...]) -> bool:
    flags = args[2]
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


@each_case
def test_activity_that_runs_twice_gives_the_same_and_leaves_the_same(
    repo: Path, prepare: Callable[[Path], Activity]
) -> None:
    act = prepare(repo)
    first, once = act(), look(repo)

    second = act()

    assert second == first
    assert look(repo) == once


@pytest.mark.parametrize("owner", ["another-run", None], ids=["anothers", "removed"])
@pytest.mark.parametrize(
    "prepare",
    [case for case in CASES if case not in {make_task_worktree, remove}],
    ids=lambda prepare: prepare.__name__,
)
def test_activity_changes_nothing_where_its_run_has_lost_the_task_id(
    repo: Path, prepare: Callable[[Path], Activity], owner: str | None
) -> None:
    act = prepare(repo)
    give_away(repo, owner)
    before = look(repo)

    with pytest.raises(TaskIdTaken, match=f"run {WORKFLOW} cannot continue: .*task id 'task'"):
        act()

    assert look(repo) == before


def test_run_that_lost_its_task_id_cleans_up_nothing_of_the_next_run(repo: Path) -> None:
    act = remove(repo)
    give_away(repo, "another-run")
    before = look(repo)

    act()

    assert look(repo) == {**before, "refs": git(repo, "for-each-ref", "refs/heads")}


def give_away(repo: Path, owner: str | None) -> None:
    """Let the claim on the task be removed and, if so told, another run have made one."""
    (repo / ".git/forge/claims/task").unlink()
    if owner is not None:
        (repo / ".git/forge/claims/task").write_text(f"{owner}\n")


def run_killed_at(act: Activity, number: int) -> bool:
    """Run an activity in a child that dies at a point; False if it got past all points."""

    def run() -> bool:
        die_before(number)
        act()
        return True

    return not wait_for(start_child(run))


def check_kills(repo: Path, prepare: Callable[[Path], Activity], first: int, step: int) -> int:
    """Kill an activity at every `step`-th point and run it again; give the number of kills."""
    act = prepare(repo)
    backup = repo.with_name("backup")
    shutil.copytree(repo, backup, symlinks=True)
    expected, after = act(), look(repo)
    for kills in itertools.count():
        shutil.rmtree(repo)
        shutil.copytree(backup, repo, symlinks=True)
        if not run_killed_at(act, first + kills * step):
            return kills
        assert act() == expected, f"killed at point {first + kills * step}"
        assert look(repo) == after, f"killed at point {first + kills * step}"
    raise AssertionError


@each_case
def test_activity_that_is_killed_and_runs_again_gives_and_leaves_the_same(
    repo: Path, prepare: Callable[[Path], Activity]
) -> None:
    assert check_kills(repo, prepare, first=3, step=14) >= 1


@pytest.mark.soak
@each_case
def test_activity_may_be_killed_before_each_of_its_effects(
    repo: Path, prepare: Callable[[Path], Activity]
) -> None:
    assert check_kills(repo, prepare, first=1, step=1) >= 4
