"""How a run ended, and what can be done next."""

import shlex
from typing import Any

import pytest
from forge_cli.render.outcome import MOST_COMMITS, render_outcome
from forge_cli.views.result import build_result_view

RESULT: dict[str, Any] = {
    "worktree_branch": "forge/t",
    "worktree_path": "/my repo/.forge-worktrees/t",
    "output_files": {"a.py": "11", "b.py": "22"},
    "step_results": [
        {"step_id": "a", "status": "success", "commit_sha": "a" * 40, "attempts": [{}]},
        {"step_id": "b", "status": "success", "commit_sha": "b" * 40, "attempts": [{}, {}]},
        {"step_id": "same", "status": "success", "attempts": [{}]},
    ],
}
REMOVE = "forge clean t --repo '/my repo' --force"


def render(result: dict[str, Any], **options: Any) -> list[str]:
    view = build_result_view(result)
    return render_outcome("forge-t-0a", "success", view, **options).plain.splitlines()


def test_success_names_branch_commits_and_what_to_do_next() -> None:
    lines = render(RESULT, cost="$0.02", recorded=True)

    assert lines == [
        "run forge-t-0a: success",
        "  branch  forge/t (2 files)",
        "  commits aaaaaaaaaaaa a",
        "          bbbbbbbbbbbb b (attempt 2)",
        "  cost    $0.02",
        "  review  git -C '/my repo' diff aaaaaaaaaaaa^..forge/t",
        "  look    forge status --workflow-id forge-t-0a --verbose",
        f"  remove  {REMOVE}",
    ]


def test_commands_quote_what_a_shell_would_obey() -> None:
    lines = render({**RESULT, "worktree_path": "/$(rm)/x;y/.forge-worktrees/t"})

    [review] = [line for line in lines if line.startswith("  review")]
    assert shlex.split(review)[1:4] == ["git", "-C", "/$(rm)/x;y"]


def test_failure_without_a_commit_names_the_error_and_offers_no_review() -> None:
    lines = render({"error": "planner: 401\x1b[2J"})

    assert lines == ["run forge-t-0a: success", "  error   planner: 401\\x1b[2J"]


def test_task_without_a_plan_names_the_commit_of_its_last_attempt() -> None:
    attempts = [{"attempt": 1}, {"attempt": 2, "commit_sha": "c" * 40}]

    lines = render({"worktree_branch": "forge/t", "attempts": attempts})

    assert "  commits cccccccccccc (attempt 2)" in lines


def test_deleted_files_are_counted_unless_they_were_written_again() -> None:
    def build_step(commit: str | None, *paths: str) -> dict[str, Any]:
        changes = [{"path": path, "kind": "deleted"} for path in paths]
        return {"commit_sha": commit, "attempts": [{"changes": changes}]}

    steps = [build_step("1" * 40, "a.py", "old.py"), build_step(None, "rolled_back.py")]

    lines = render({**RESULT, "step_results": steps})

    assert "  branch  forge/t (2 files, 1 deleted)" in lines


def test_many_commits_are_counted() -> None:
    steps = [
        {"step_id": f"s{number}", "commit_sha": f"{number:040x}", "attempts": [{}]}
        for number in range(MOST_COMMITS + 3)
    ]

    assert "          … and 3 more commits" in render({**RESULT, "step_results": steps})


@pytest.mark.parametrize(
    ("check", "line"),
    [
        (
            {"summary": "no change needed: it is right\x1b[2J"},
            "  note    no change needed: it is right\\x1b[2J",
        ),
        (
            {"summary": "named, but not changed: b.py", "warning": True},
            "  warning named, but not changed: b.py",
        ),
        (
            {"check_name": "clippy", "summary": "exit 1, nothing new", "warning": True},
            "  warning clippy: exit 1, nothing new",
        ),
    ],
    ids=["note", "warning", "check"],
)
def test_what_became_of_the_named_files_is_told(check: dict[str, Any], line: str) -> None:
    verdict = {"check_name": "targets", "passed": True, **check}
    attempts = [{"attempt": 1, "signal": "success", "validation_results": [verdict]}]

    lines = render({"worktree_branch": "forge/t", "attempts": attempts})

    assert lines[1:] == [line, "  branch  forge/t (0 files)"]
