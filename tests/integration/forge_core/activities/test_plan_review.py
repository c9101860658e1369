"""A plan is asked for again if a step could never change what it names."""

from pathlib import Path
from typing import Any

import pytest
from forge_core.activities.plan_review import PlanReviewer
from forge_core.files.protection import WritePolicy
from forge_core.models.plan import Plan
from support.repository import commit_all, make_repository

PLAN = {
    "steps": [
        {"step_id": "a", "description": "A.", "target_files": ["a.py"]},
        {
            "step_id": "b",
            "description": "B.",
            "sub_tasks": [{"sub_task_id": "p", "description": "P.", "target_files": ["Makefile"]}],
        },
    ]
}


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files: dict[str, str | bytes] = {
        "real/x.py": "X = 1\n",
        "README": "one\n",
        "image.dat": b"\0\1\2",
    }
    repo = make_repository(tmp_path_factory.mktemp("plans") / "repo", files)
    (repo / "alias").symlink_to("real")
    commit_all(repo, {}, "A link")
    return repo


def review(plan: dict[str, Any], policy: WritePolicy, worktree: Path | None = None) -> list[str]:
    return list(PlanReviewer(policy, worktree).review(Plan.model_validate(plan)).problems)


def build_plan(*steps: tuple[str, list[str]]) -> dict[str, Any]:
    return {
        "steps": [
            {"step_id": f"step-{number}", "description": words, "target_files": paths}
            for number, (words, paths) in enumerate(steps)
        ]
    }


def test_protected_file_is_refused_in_words_a_planner_can_act_on() -> None:
    [problem] = review(PLAN, WritePolicy())

    assert problem.startswith(
        "target_files: protected: 'Makefile' decides how the project is built"
    )


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(WritePolicy(("Makefile",)), id="the user names it"),
        pytest.param(WritePolicy(allow_protected=True), id="the user allows all"),
    ],
)
def test_plan_may_name_what_the_user_lets_be_written(policy: WritePolicy) -> None:
    assert review(PLAN, policy) == []


@pytest.mark.parametrize(
    ("paths", "problem"),
    [
        (["../x.py"], "path '../x.py' is refused: it has an empty, '.' or '..' part"),
        (["/etc/passwd"], "path '/etc/passwd' is refused: it is absolute"),
        (["alias/new.py"], "'alias' is a symbolic link; name the file that it leads to"),
        (["README/x.py"], "'README' is a file"),
        (["readme"], "'README' stands there, which some file systems take for it"),
        (["image.dat"], "target file 'image.dat' cannot be shown to a model: it is a binary file"),
        (["./a/../b.py", "src/", "real", ".", "real/x.py"], None),
    ],
    ids=str,
)
def test_every_file_of_a_step_can_be_changed(
    repo: Path, paths: list[str], problem: str | None
) -> None:
    problems = review(build_plan(("Work.", paths)), WritePolicy(), repo)

    assert len(problems) == (problem is not None)
    assert all(one.startswith("target_files: ") and str(problem) in one for one in problems)


@pytest.mark.parametrize(
    "steps",
    [
        [("Rename README to readme.", ["README", "readme"])],
        [("Remove README.", ["README"]), ("Write a chapter.", ["README/one.md"])],
        [("Delete the image.", ["image.dat"])],
    ],
    ids=["case", "file before directory", "binary file"],
)
def test_what_goes_is_no_obstacle(repo: Path, steps: list[tuple[str, list[str]]]) -> None:
    assert review(build_plan(*steps), WritePolicy(), repo) == []
