"""The commits of sub-tasks go together, or the conflict is named."""

from collections.abc import Callable
from pathlib import Path

import pytest
from forge_core.errors import MergeConflict
from forge_core.git.commits.gather import gather_commits
from forge_core.git.worktree import Worktree, ensure_sub_worktree, ensure_task_worktree
from support.repository import commit_all, git, make_repository, put_files, snapshot

MakePart = Callable[[str, dict[str, str]], str]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(
        tmp_path / "repo", {"a.txt": "a\n", "old.txt": "o\n", "run.sh": "#!/bin/sh\n"}
    )


@pytest.fixture
def worktree(repo: Path) -> Worktree:
    return ensure_task_worktree(repo, "task", git(repo, "rev-parse", "HEAD"))


@pytest.fixture
def make_part(repo: Path, worktree: Worktree) -> MakePart:
    """Make a sub-task's commit on top of the worktree's head."""

    def make(name: str, files: dict[str, str]) -> str:
        part = ensure_sub_worktree(repo, "task", "step", name, worktree.head)
        return commit_all(part.path, files, name)

    return make


def test_changes_of_all_sub_tasks_come_into_the_worktree(
    worktree: Worktree, make_part: MakePart
) -> None:
    parts = {
        "one": make_part("one", {"a.txt": "A\n", "one/x.py": "x = 1\n"}),
        "two": make_part("two", {"two.py": "y = 2\n"}),
        "idle": worktree.head,
    }

    paths = gather_commits(worktree.path, worktree.head, parts)

    assert paths == ["a.txt", "one/x.py", "two.py"]
    assert (worktree.path / "a.txt").read_text() == "A\n"
    assert (worktree.path / "one/x.py").read_text() == "x = 1\n"
    assert (worktree.path / "two.py").read_text() == "y = 2\n"
    assert git(worktree.path, "rev-parse", "HEAD") == worktree.head, "nothing is committed"


def test_gathering_twice_gives_the_same_with_deletions_and_leftovers(
    repo: Path, worktree: Worktree, make_part: MakePart
) -> None:
    make_part("one", {"a.txt": "A\n"})
    (repo / ".forge-worktrees/.sub/task/step/one/old.txt").unlink()
    part = commit_all(repo / ".forge-worktrees/.sub/task/step/one", {}, "Delete")
    parts = {"one": part}
    first = gather_commits(worktree.path, worktree.head, parts)
    before = snapshot(worktree.path)
    put_files(worktree.path, {"a.txt": "half", "leftover.txt": "l"})

    second = gather_commits(worktree.path, worktree.head, parts)

    assert first == second == ["a.txt", "old.txt"]
    assert snapshot(worktree.path) == before
    assert not (worktree.path / "old.txt").exists()


def test_same_change_in_two_sub_tasks_is_no_conflict(
    worktree: Worktree, make_part: MakePart
) -> None:
    parts = {name: make_part(name, {"a.txt": "A\n"}) for name in ("one", "two")}

    assert gather_commits(worktree.path, worktree.head, parts) == ["a.txt"]


@pytest.mark.parametrize(
    ("one", "two", "path"),
    [
        ({"a.txt": "1"}, {"a.txt": "2"}, "a.txt"),
        ({"new.py": "1"}, {"new.py": "2"}, "new.py"),
        ({"lib": "a file"}, {"lib/x.py": "in a directory"}, "lib"),
        ({"lib/x/y.py": "in a directory"}, {"lib": "a file"}, "lib"),
    ],
    ids=["changed", "added", "file and directory", "directory and file"],
)
def test_conflict_names_path_and_sub_tasks_and_changes_nothing(
    worktree: Worktree, make_part: MakePart, one: dict[str, str], two: dict[str, str], path: str
) -> None:
    parts = {"one": make_part("one", one), "two": make_part("two", two)}
    before = snapshot(worktree.path)

    with pytest.raises(MergeConflict) as conflict:
        gather_commits(worktree.path, worktree.head, parts)

    message = str(conflict.value)
    assert all(part in message for part in ("one", "two", repr(path)))
    assert snapshot(worktree.path) == before


def test_deletion_against_a_change_is_a_conflict(
    repo: Path, worktree: Worktree, make_part: MakePart
) -> None:
    one = make_part("one", {"a.txt": "A\n"})
    two = ensure_sub_worktree(repo, "task", "step", "two", worktree.head)
    (two.path / "a.txt").unlink()

    with pytest.raises(MergeConflict, match=r"'a\.txt'"):
        gather_commits(
            worktree.path, worktree.head, {"one": one, "two": commit_all(two.path, {}, "Delete")}
        )


def test_other_mode_of_the_same_content_is_a_conflict(
    repo: Path, worktree: Worktree, make_part: MakePart
) -> None:
    one = make_part("one", {"run.sh": "echo\n"})
    two = ensure_sub_worktree(repo, "task", "step", "two", worktree.head)
    (two.path / "run.sh").chmod(0o755)
    sha = commit_all(two.path, {"run.sh": "echo\n"}, "Mode")

    with pytest.raises(MergeConflict, match=r"'run\.sh'"):
        gather_commits(worktree.path, worktree.head, {"one": one, "two": sha})


def test_names_of_other_cases_are_a_conflict_where_a_file_system_takes_them_for_one(
    worktree: Worktree, make_part: MakePart
) -> None:
    parts = {"one": make_part("one", {"New.py": "1"}), "two": make_part("two", {"new.py": "2"})}

    with pytest.raises(MergeConflict, match="one and two"):
        gather_commits(worktree.path, worktree.head, parts)


def test_names_that_git_might_misread_are_gathered_as_they_are(
    worktree: Worktree, make_part: MakePart
) -> None:
    names = ["#x.py", "@args.py", "a[b].py", "ü mläut.py"]

    paths = gather_commits(
        worktree.path, worktree.head, {"one": make_part("one", dict.fromkeys(names, "x"))}
    )

    assert paths == names
    assert all((worktree.path / name).read_text() == "x" for name in names)


def test_many_files_are_gathered_at_once(worktree: Worktree, make_part: MakePart) -> None:
    files = {f"directory-{n % 7}/file-{n:05}.txt": str(n) for n in range(400)}

    paths = gather_commits(worktree.path, worktree.head, {"one": make_part("one", files)})

    assert paths == sorted(files)


def test_no_commits_bring_nothing(worktree: Worktree) -> None:
    assert gather_commits(worktree.path, worktree.head, {}) == []
