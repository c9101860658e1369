"""How a run ended, and what can be done next."""

import shlex
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from forge_cli.render.outcome import MOST_COMMITS, Ending, render_outcome
from forge_cli.views.costs import Simulation, Tally
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


def make_ending(result: dict[str, Any], status: str = "success", **fields: Any) -> Ending:
    return Ending("forge-t-0a", status, build_result_view(result), **fields)


def render(result: dict[str, Any], status: str = "success", **fields: Any) -> list[str]:
    return render_outcome(make_ending(result, status, **fields)).plain.splitlines()


def test_success_says_what_it_took_and_left_and_what_comes_next() -> None:
    tally = Tally(calls=3, input_tokens=4120, output_tokens=45, usd=Decimal("0.02"))

    lines = render(RESULT, took=timedelta(seconds=75), tally=tally, is_recorded=True)

    assert lines == [
        "run forge-t-0a: success in 1 min 15 s",
        "  calls   3, 4.12k tokens in, 45 out",
        "  cost    $0.0200",
        "  branch  forge/t (2 commits, 2 files)",
        "          aaaaaaaaaaaa a",
        "          bbbbbbbbbbbb b (attempt 2)",
        "  merge   git -C '/my repo' merge forge/t",
        "  review  git -C '/my repo' diff aaaaaaaaaaaa^..forge/t",
        "  look    forge status forge-t-0a",
    ]


def test_user_who_stands_in_the_repository_need_not_name_it() -> None:
    lines = render(RESULT, is_here=True)

    assert "  merge   git merge forge/t" in lines
    assert not any("my repo" in line for line in lines)


def test_failure_says_why_and_proposes_no_merge() -> None:
    plan = {"steps": [{"step_id": name} for name in ("a", "b", "c")]}
    steps = [*RESULT["step_results"][:1], {"step_id": "b", "status": "failure_terminal"}]

    lines = render(
        {**RESULT, "plan": plan, "step_results": steps}, "failure_terminal", reason="step b: no"
    )

    assert lines[:3] == ["run forge-t-0a: failed", "  why     step b: no", "  done    1 of 3 steps"]
    assert not any("merge" in line for line in lines)
    assert any(line.startswith("  review") for line in lines)


@pytest.mark.parametrize("status", ["success", "failure_terminal", "cancelled", "error"])
def test_no_command_throws_work_away(status: str) -> None:
    assert not any("--force" in line or "clean" in line for line in render(RESULT, status))


def test_branch_without_a_commit_may_be_removed() -> None:
    lines = render({**RESULT, "step_results": []})

    assert "  branch  forge/t (empty)" in lines
    assert lines[-1] == "  remove  forge clean t --repo '/my repo'"


def test_calls_of_a_script_are_told_from_those_of_a_provider() -> None:
    lines = render({}, tally=Tally(calls=2, scripted=2))

    assert lines[1:] == ["  calls   2, scripted or replayed"]
    assert render({}, tally=Tally(calls=1, refused=1))[1:] == [
        "  calls   1 that no provider answered"
    ]


def test_simulated_figures_are_named_as_such() -> None:
    simulation = Simulation(2, 4120, 0, 45, Decimal("0.02"))

    assert render({}, tally=Tally(calls=2, scripted=2, simulation=simulation))[1:] == [
        "  calls   2 by a script, simulated 4.12k tokens in, 45 out",
        "  cost    nothing; the script simulates $0.0200",
    ]


def test_tokens_that_nobody_reported_are_not_said_to_be_none() -> None:
    assert render({}, tally=Tally(calls=1, unreported=1, unpriced=1))[1] == "  calls   1"
    assert "45 out+" in render({}, tally=Tally(calls=2, unreported=1, output_tokens=45))[1]


def test_commands_quote_what_a_shell_would_obey() -> None:
    lines = render({**RESULT, "worktree_path": "/$(rm)/x;y/.forge-worktrees/t"})

    [review] = [line for line in lines if line.startswith("  review")]
    assert shlex.split(review)[1:4] == ["git", "-C", "/$(rm)/x;y"]


def test_failure_without_a_branch_names_the_reason_alone() -> None:
    lines = render({}, "failure_terminal", reason="planner: 401\x1b[2J")

    assert lines == ["run forge-t-0a: failed", "  why     planner: 401\\x1b[2J"]


def test_task_without_a_plan_names_the_commit_of_its_last_attempt() -> None:
    attempts = [{"attempt": 1}, {"attempt": 2, "commit_sha": "c" * 40}]

    lines = render({"worktree_branch": "forge/t", "attempts": attempts})

    assert "          cccccccccccc (attempt 2)" in lines


def test_deleted_files_are_counted_unless_they_were_written_again() -> None:
    def build_step(commit: str | None, *paths: str) -> dict[str, Any]:
        changes = [{"path": path, "kind": "deleted"} for path in paths]
        return {"commit_sha": commit, "attempts": [{"changes": changes}]}

    steps = [build_step("1" * 40, "a.py", "old.py"), build_step(None, "rolled_back.py")]

    lines = render({**RESULT, "step_results": steps})

    assert "  branch  forge/t (1 commit, 2 files, 1 deleted)" in lines


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

    lines = render({"worktree_branch": "forge/t", "attempts": attempts})[:3]

    assert lines[1:] == [line, "  branch  forge/t (empty)"]
