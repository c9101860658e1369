"""What an answer changes comes into the worktree whole, as often as it is asked for."""

from pathlib import Path
from typing import Any

import pytest
from forge_core.activities.files import ChangeOrigin, validate_output, write_output
from forge_core.activities.git import commit_attempt, create_worktree, reset_worktree_to
from forge_core.activities.review import ChangeReviewer
from forge_core.models.activity import (
    CommitInput,
    CreateWorktreeInput,
    ResetWorktreeInput,
    ValidateInput,
    WriteFilesInput,
    WriteFilesResult,
)
from forge_core.models.call.context import ShownFile
from forge_core.models.call.llm import LLMResponse
from forge_core.models.changes import FileChange
from forge_core.models.check import Check
from forge_core.models.result import ValidationResult
from forge_core.models.task import ValidationConfig
from forge_core.sources.on_demand import Room
from forge_core.validation.commands.base_view import base_in_place
from support.repository import add_submodule, commit_all, git, make_repository, snapshot
from temporalio.testing import ActivityEnvironment

WORKFLOW = "forge-task-0"

FILES: dict[str, str | bytes] = {
    "app.py": "import os\n\n\ndef main():\n    return os.name\n",
    "old.py": "VALUE = 1\n",
    "pkg/gone.py": "GONE = True\n",
    "pkg/kept.py": "KEPT = True\n",
    "dos.txt": b"one\r\ntwo\r\nthree",
    "run.sh": "#!/bin/sh\necho one\n",
    "pyproject.toml": "[project]\n[tool.ruff]\n",
}

ANSWER: dict[str, Any] = {
    "files": [{"file_path": "new.sh", "content": "#!/bin/sh\n"}],
    "edits": [
        {"file_path": "app.py", "search": "import os\n", "replace": "import os\nimport old\n"},
        {"file_path": "dos.txt", "search": "two\n", "replace": "2\n2b\n"},
        {"file_path": "run.sh", "search": "echo one\n", "replace": "echo two\n"},
        {"file_path": "old.py", "search": "VALUE = 1\n", "replace": "VALUE = 2\n"},
    ],
    "deletions": ["pkg/gone.py"],
    "renames": [{"file_path": "old.py", "new_path": "lib/value.py"}],
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = make_repository(tmp_path / "repo", FILES)
    (repo / "run.sh").chmod(0o755)
    git(repo, "update-index", "--chmod=+x", "run.sh")
    git(repo, "commit", "--quiet", "-m", "Let it run")
    return repo


@pytest.fixture
def worktree(repo: Path) -> Path:
    return make_worktree(repo)


def make_worktree(repo: Path) -> Path:
    head = git(repo, "rev-parse", "HEAD")
    made = ActivityEnvironment().run(
        create_worktree,
        CreateWorktreeInput(
            repo_root=str(repo), task_id="task", workflow_id=WORKFLOW, base_commit=head
        ),
    )
    return Path(made.path)


def write(worktree: Path, answer: dict[str, Any], **more: Any) -> WriteFilesResult:
    work = WriteFilesInput.model_validate(
        {
            "workflow_id": WORKFLOW,
            "worktree": str(worktree),
            "head": git(worktree, "rev-parse", "main"),
            **answer,
            **more,
        }
    )
    return ActivityEnvironment().run(write_output, work)


def check(
    worktree: Path, paths: tuple[str, ...], changes: tuple[FileChange, ...] = (), **more: Any
) -> tuple[ValidationResult, ...]:
    work = ValidateInput(
        workflow_id=WORKFLOW,
        worktree=str(worktree),
        paths=paths,
        changes=changes,
        **{"config": ValidationConfig(), **more},
        task_id="task",
        attempt=1,
    )
    return ActivityEnvironment().run(validate_output, work).results


def commit(worktree: Path, paths: tuple[str, ...]) -> str:
    work = CommitInput(
        worktree=str(worktree),
        paths=paths,
        parent=git(worktree, "rev-parse", "main"),
        subject="Work",
        workflow_id=WORKFLOW,
        attempt=1,
    )
    return ActivityEnvironment().run(commit_attempt, work).head


def list_tree(worktree: Path, commit: str) -> dict[str, str]:
    lines = git(worktree, "ls-tree", "-r", commit).splitlines()
    return {line.split("\t")[1]: line.split()[0] for line in lines}


def test_answer_is_written_and_committed_with_deletions_renames_and_modes(worktree: Path) -> None:
    written = write(worktree, ANSWER)
    made = commit(worktree, written.paths)

    assert written.error is None
    assert list_tree(worktree, made) == {
        "app.py": "100644",
        "dos.txt": "100644",
        "lib/value.py": "100644",
        "new.sh": "100755",
        "pkg/kept.py": "100644",
        "pyproject.toml": "100644",
        "run.sh": "100755",
    }
    assert git(worktree, "show", f"{made}:lib/value.py") == "VALUE = 2"
    assert (worktree / "dos.txt").read_bytes() == b"one\r\n2\r\n2b\r\nthree"
    assert git(worktree, "status", "--porcelain") == ""


def test_changes_are_told_for_the_record(worktree: Path) -> None:
    changes = {change.path: change for change in write(worktree, ANSWER).changes}

    assert {path: change.kind for path, change in changes.items()} == {
        "new.sh": "added",
        "app.py": "modified",
        "dos.txt": "modified",
        "run.sh": "modified",
        "pkg/gone.py": "deleted",
        "lib/value.py": "renamed",
    }
    assert (changes["dos.txt"].lines_added, changes["dos.txt"].lines_removed) == (2, 1)
    assert changes["dos.txt"].rungs == {"exact": 1}


def test_writing_twice_leaves_the_same_files(worktree: Path) -> None:
    once, files = write(worktree, ANSWER), snapshot(worktree)

    assert write(worktree, ANSWER) == once
    assert snapshot(worktree) == files


def test_writing_again_after_checks_and_commit_gives_the_same_commit(worktree: Path) -> None:
    ugly = {"file_path": "ugly.py", "content": "x=1\n"}
    answer = ANSWER | {"files": [*ANSWER["files"], ugly]}
    paths = write(worktree, answer).paths
    check(worktree, paths)
    made = commit(worktree, paths)
    assert git(worktree, "show", f"{made}:ugly.py") == "x = 1"

    assert write(worktree, answer).error is None
    check(worktree, paths)
    assert commit(worktree, paths) == made
    assert git(worktree, "status", "--porcelain") == ""


def test_file_that_somebody_changed_is_refused_also_after_checks(worktree: Path) -> None:
    paths = write(worktree, ANSWER).paths
    check(worktree, paths)
    ActivityEnvironment().run(
        reset_worktree_to,
        ResetWorktreeInput(workflow_id=WORKFLOW, path=str(worktree), commit="main"),
    )
    (worktree / "app.py").write_text("mine\n")
    other = {"edits": [ANSWER["edits"][0]]}

    refused = write(worktree, other)

    assert "app.py" in str(refused.error)
    assert "neither the commit's nor the answer's" in str(refused.error)
    assert (worktree / "app.py").read_text() == "mine\n"


def test_input_of_an_older_version_is_written(worktree: Path) -> None:
    work = WriteFilesInput.model_validate(
        {"worktree": str(worktree), "files": [{"file_path": "app.py", "content": "x = 1\n"}]}
    )

    done = ActivityEnvironment().run(write_output, work)

    assert done.paths == ("app.py",)
    assert (worktree / "app.py").read_text() == "x = 1\n"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "edit of nothing": (
        {"edits": [{"file_path": "no.py", "search": "x", "replace": "y"}]},
        "no regular file",
    ),
    "edit outside": (
        {"edits": [{"file_path": "../x.py", "search": "x", "replace": "y"}]},
        "refused",
    ),
    "deletion of nothing": ({"deletions": ["no.py"]}, "no regular file"),
    "deletion of a directory": ({"deletions": ["pkg"]}, "no regular file"),
    "deletion of a link": ({"deletions": ["link.py"]}, "no regular file"),
    "deletion in git's files": ({"deletions": [".git/config"]}, "git's own files"),
    "deletion in a submodule": ({"deletions": ["sub/a.py"]}, "is a submodule"),
    "deletion of an untracked file": ({"deletions": ["untracked.py"]}, "no regular file"),
    "deletion of a protected file": ({"deletions": ["pyproject.toml"]}, "protected"),
    "deletion in another case": ({"deletions": ["APP.py"]}, "no regular file"),
    "rename of a protected file": (
        {"renames": [{"file_path": "pyproject.toml", "new_path": "a.toml"}]},
        "protected",
    ),
    "rename to a protected file": (
        {"renames": [{"file_path": "old.py", "new_path": "conftest.py"}]},
        "protected",
    ),
    "rename to a file that stands": (
        {"renames": [{"file_path": "old.py", "new_path": "app.py"}]},
        "stands at",
    ),
    "rename to another case of a file": (
        {"renames": [{"file_path": "old.py", "new_path": "APP.py"}]},
        "see no difference",
    ),
    "a part of a directory in another case": (
        {"renames": [{"file_path": "pkg/gone.py", "new_path": "PKG/gone.py"}]},
        "see no difference",
    ),
    "two spellings of one new file": (
        {"files": [{"file_path": p, "content": "x = 1\n"} for p in ("new.py", "New.py")]},
        "same file twice",
    ),
    "rename through a link": (
        {"renames": [{"file_path": "old.py", "new_path": "linked/old.py"}]},
        "link or not a directory",
    ),
    "rename outside": (
        {"renames": [{"file_path": "old.py", "new_path": "/tmp/old.py"}]},  # noqa: S108
        "absolute",
    ),
    "half of it": (
        {"edits": [ANSWER["edits"][0], {"file_path": "run.sh", "search": "x", "replace": "y"}]},
        "search does not stand in the file",
    ),
}


@pytest.fixture(scope="module")
def obstacles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a worktree with links, a submodule and an untracked file, which no test changes."""
    repo = make_repository(tmp_path_factory.mktemp("obstacles") / "repo", FILES)
    (repo / "link.py").symlink_to("app.py")
    (repo / "linked").symlink_to("pkg")
    git(repo, "add", "link.py", "linked")
    git(repo, "commit", "--quiet", "-m", "Links")
    add_submodule(repo, "sub")
    worktree = make_worktree(repo)
    (worktree / "untracked.py").write_text("u = 1\n")
    return worktree


@pytest.mark.parametrize(("answer", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_may_not_be_done_leaves_everything_as_it_is(
    obstacles: Path, answer: dict[str, Any], reason: str
) -> None:
    worktree = obstacles
    before = snapshot(worktree)

    reviewer = ChangeReviewer(ChangeOrigin(worktree, git(worktree, "rev-parse", "HEAD")), Room(0))
    seen = [ShownFile(path=path) for path in FILES]
    review = reviewer.review(LLMResponse.model_validate(answer), seen)

    assert reason in str(write(worktree, answer).error)
    assert reason in "; ".join(review.problems)
    assert snapshot(worktree) == before


@pytest.mark.parametrize(
    ("answer", "gone", "new"),
    [
        (
            {"renames": [{"file_path": "old.py", "new_path": "Old.py"}]},
            "old.py",
            ("Old.py", "VALUE = 1\n"),
        ),
        (
            {
                "renames": [{"file_path": "old.py", "new_path": "Old.py"}],
                "edits": [{"file_path": "old.py", "search": "VALUE = 1\n", "replace": "V = 2\n"}],
            },
            "old.py",
            ("Old.py", "V = 2\n"),
        ),
        (
            {
                "files": [{"file_path": "OLD.py", "content": "VALUE = 3\n"}],
                "deletions": ["old.py"],
            },
            "old.py",
            ("OLD.py", "VALUE = 3\n"),
        ),
        (
            {
                "renames": [
                    {"file_path": f"pkg/{name}.py", "new_path": f"Pkg/{name}.py"}
                    for name in ("gone", "kept")
                ]
            },
            "pkg",
            ("Pkg/kept.py", "KEPT = True\n"),
        ),
    ],
    ids=["rename", "rename with an edit", "deletion and new file", "directory"],
)
def test_case_alone_is_changed_and_committed(
    worktree: Path, answer: dict[str, Any], gone: str, new: tuple[str, str]
) -> None:
    path, content = new

    once = write(worktree, answer)
    written = write(worktree, answer)
    results = check(worktree, written.paths, written.changes, head="main", target_files=(gone,))
    made = commit(worktree, written.paths)

    assert (once, written.error) == (written, None)
    assert all(result.passed for result in results)
    assert (worktree / path).read_text() == content
    assert not (worktree / gone).exists()
    tree = list_tree(worktree, made)
    assert path in tree
    assert not [name for name in tree if name == gone or name.startswith(f"{gone}/")]
    assert git(worktree, "status", "--porcelain") == ""


def test_hard_link_is_neither_written_nor_removed(worktree: Path) -> None:
    (worktree / "other.py").hardlink_to(worktree / "old.py")

    assert "several names" in str(write(worktree, {"deletions": ["old.py"]}).error)


def test_sparse_file_is_edited_from_the_commit(worktree: Path) -> None:
    (worktree / "app.py").unlink()

    assert write(worktree, {"edits": [ANSWER["edits"][0]]}).error is None
    assert "import old\n" in (worktree / "app.py").read_text()


def test_line_endings_of_the_checkout_count(repo: Path) -> None:
    git(repo, "config", "core.autocrlf", "true")
    worktree = make_worktree(repo)
    assert b"\r\n" in (worktree / "app.py").read_bytes()

    written = write(worktree, {"edits": [ANSWER["edits"][0]]})

    assert written.error is None
    assert (worktree / "app.py").read_bytes().startswith(b"import os\r\nimport old\r\n")


def test_answer_is_checked_against_the_commit_whatever_stands_in_the_worktree(
    worktree: Path,
) -> None:
    head = git(worktree, "rev-parse", "main")
    fitting, unfit = (
        LLMResponse.model_validate({"edits": [ANSWER["edits"][0] | {"search": search}]})
        for search in ("import os\n", "import re\n")
    )
    (worktree / "app.py").write_text("import re\n")

    reviewer, seen = (
        ChangeReviewer(ChangeOrigin(worktree, head), Room(0)),
        [ShownFile(path="app.py")],
    )
    assert reviewer.review(fitting, seen).problems == ()
    assert "edits[0] (app.py): search does not stand" in reviewer.review(unfit, seen).problems[0]


def test_what_was_not_shown_is_not_written(worktree: Path) -> None:
    part = ShownFile(path="app.py", ranges=((4, 5),))

    refused = write(worktree, {"edits": [ANSWER["edits"][0]]}, shown=(part,))
    written = write(worktree, {"edits": [ANSWER["edits"][0]]}, shown=(ShownFile(path="app.py"),))

    assert "it changes lines that you were not shown" in (refused.error or "")
    assert written.error is None


@pytest.mark.parametrize(
    ("room", "form"),
    [(10_000, "whole"), (4_000, "a part"), (100, "nothing")],
    ids=["whole", "around the lines", "no room"],
)
def test_what_was_not_seen_is_shown_as_far_as_there_is_room(
    repo: Path, room: int, form: str
) -> None:
    lines = [f"value_{number} = {number}\n" for number in range(1, 401)]
    commit_all(repo, {"long.py": "".join(lines)}, "A long file")
    edit = {"file_path": "long.py", "search": lines[300], "replace": "value_301 = 0\n"}
    reviewer = ChangeReviewer(ChangeOrigin(repo, "HEAD"), Room(room))

    review = reviewer.review(LLMResponse.model_validate({"edits": [edit]}), ())

    assert "'long.py' exists and you were not shown it" in review.problems[0]
    if form == "nothing":
        assert (review.shown, review.sections) == ((), ())
    else:
        (shown,) = review.shown
        assert shown.path == "long.py"
        assert (shown.ranges is None) == (form == "whole")
        assert lines[300] in review.sections[0]
        assert len(review.sections[0]) <= room


def test_renamed_file_is_judged_by_what_stood_at_its_old_path(tmp_path: Path) -> None:
    old = "import os\nX  =  1\n"
    worktree = make_worktree(make_repository(tmp_path / "repo", {"ruff.toml": "", "a.py": old}))
    written = write(worktree, {"renames": [{"file_path": "a.py", "new_path": "b.py"}]})

    results = check(worktree, written.paths, written.changes)

    assert all(result.passed for result in results)
    assert (worktree / "b.py").read_text() == old


@pytest.mark.parametrize(
    ("line", "verdicts"),
    [
        ("import re\n", [(False, "repairs left nothing of the change")]),
        ("import re\nprint(re)\n", []),
    ],
    ids=["unused", "used"],
)
def test_change_of_which_repairs_leave_nothing_is_refused(
    tmp_path: Path, line: str, verdicts: list[tuple[bool, str]]
) -> None:
    files = {"ruff.toml": "", "a.py": "X = 1\n", "b.py": "Y = 1\n"}
    worktree = make_worktree(make_repository(tmp_path / "repo", files))
    edit = {"file_path": "a.py", "search": "X = 1\n", "replace": f"X = 1\n{line}"}
    written = write(worktree, {"edits": [edit]})

    head = git(worktree, "rev-parse", "main")
    results = check(worktree, written.paths, written.changes, head=head, target_files=("a.py",))

    told = [(r.passed, r.summary) for r in results if r.check_name == "targets"]
    assert told == verdicts


WHOLE = ValidationConfig(checks=(Check(name="whole", command="cat dos.txt; exit 1"),))


def test_check_is_judged_beside_the_commit_that_the_attempt_starts_from(worktree: Path) -> None:
    written = write(worktree, ANSWER)

    head = git(worktree, "rev-parse", "HEAD")
    results = check(worktree, written.paths, written.changes, head=head, config=WHOLE)

    [verdict] = [result for result in results if result.check_name == "whole"]
    assert (verdict.details or "").startswith("Printed with the change only:\n2\n2b\n\n")
    assert (worktree / "lib/value.py").read_text() == "VALUE = 2\n"
    assert not (worktree / "old.py").exists()


@pytest.mark.parametrize("again", ["validation", "reset"])
def test_process_that_dies_while_the_base_is_judged_loses_nothing(
    worktree: Path, again: str
) -> None:
    written, head = write(worktree, ANSWER), git(worktree, "rev-parse", "HEAD")
    view = base_in_place(worktree, head, written.paths)
    view.__enter__()
    assert (worktree / "old.py").exists()

    if again == "reset":
        reset = ResetWorktreeInput(workflow_id=WORKFLOW, path=str(worktree), commit=head)
        ActivityEnvironment().run(reset_worktree_to, reset)
    results = check(worktree, written.paths, written.changes, head=head, config=WHOLE)

    assert any(result.check_name == "whole" for result in results)
    assert (worktree / "old.py").exists() is (again == "reset")
    assert (worktree / "lib/value.py").exists() is (again == "validation")


@pytest.mark.parametrize(
    "answer",
    [
        {"files": [{"file_path": "local.py", "content": "DEBUG = True\n"}]},
        {"renames": [{"file_path": "old.py", "new_path": "local.py"}]},
    ],
    ids=["new", "renamed"],
)
def test_ignored_file_is_written_only_if_the_user_named_it(
    repo: Path, answer: dict[str, Any]
) -> None:
    commit_all(repo, {".gitignore": "local.py\n"}, "Ignore")
    worktree = make_worktree(repo)

    refused = write(worktree, answer)
    assert "git ignores 'local.py'" in (refused.error or "")
    assert not (worktree / "local.py").exists()

    written = write(worktree, answer, target_files=("local.py",))
    assert written.error is None
    assert (worktree / "local.py").exists()


def test_tracked_file_is_changed_whatever_is_ignored(repo: Path) -> None:
    commit_all(repo, {".gitignore": "*.py\n"}, "Ignore all, too late")
    worktree = make_worktree(repo)

    assert write(worktree, {"edits": [ANSWER["edits"][0]]}).error is None


def test_whole_answer_to_a_part_is_shown_the_lines_that_it_lost(repo: Path) -> None:
    lines = [f"value_{number} = {number}\n" for number in range(1, 1001)]
    commit_all(repo, {"long.py": "".join(lines)}, "A long file")
    part = ShownFile(path="long.py", ranges=((1, 30),))
    lossy, longer = (
        LLMResponse.model_validate({"files": [{"file_path": "long.py", "content": content}]})
        for content in ("".join(lines).replace("value_701 =", "renamed ="), "".join(lines) + "x\n")
    )

    shown, nothing_new = (
        ChangeReviewer(ChangeOrigin(repo, "HEAD"), Room(4_000)).review(response, [part])
        for response in (lossy, longer)
    )

    assert lines[700] in shown.sections[0]
    assert [line for line in shown.advice if "Shown now" in line]
    assert (nothing_new.shown, nothing_new.sections) == ((), ())
    assert "you were shown only parts of it" in nothing_new.problems[0]
