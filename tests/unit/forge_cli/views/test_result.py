"""Why something is no success is told in one line: the first finding, else the error."""

from typing import Any

import pytest
from forge_cli.views.result import build_result_view

LINT = {
    "check_name": "ruff_lint",
    "passed": False,
    "summary": "2 findings",
    "details": "\na.py:1:1 F821 Undefined name `x`\nb.py:1:1 F401 unused\n",
}
TESTS = {"check_name": "tests", "passed": False, "summary": "exit 1 in 0.2 s", "details": "Trace\n"}
PASSED = {"check_name": "ruff_format", "passed": True, "summary": "1 file"}


def fail(error: str | None, *checks: dict[str, Any]) -> dict[str, Any]:
    return {
        "attempt": 1,
        "signal": "failure_retryable",
        "error": error,
        "validation_results": list(checks),
    }


@pytest.mark.parametrize(
    ("attempt", "reason"),
    [
        (
            fail("validation failed", PASSED, LINT, TESTS),
            "ruff_lint: a.py:1:1 F821 Undefined name `x`",
        ),
        (fail("validation failed", TESTS), "tests: exit 1 in 0.2 s"),
        (fail("validation failed", LINT, {**TESTS, "unusable": True}), "tests: exit 1 in 0.2 s"),
        (fail("model: quota\nmore"), "model: quota"),
        (fail(None), "failure_retryable"),
        ({"attempt": 1, "signal": "success"}, ""),
    ],
    ids=[
        "first finding",
        "output is no finding",
        "could not be made",
        "error",
        "nothing known",
        "success",
    ],
)
def test_attempt_has_one_reason(attempt: dict[str, Any], reason: str) -> None:
    assert build_result_view({"attempts": [attempt]}).attempts[0].reason == reason


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"error": "planner: 401\nbody"}, "planner: 401"),
        (
            {"attempts": [fail("e", LINT)], "error": "validation failed"},
            "ruff_lint: a.py:1:1 F821 Undefined name `x`",
        ),
        (
            {"step_results": [{"step_id": "s", "attempts": [fail("e", TESTS)]}], "error": "e"},
            "step s: tests: exit 1 in 0.2 s",
        ),
        (
            {
                "step_results": [
                    {
                        "step_id": "s",
                        "sub_task_results": [{"sub_task_id": "p", "attempts": [fail("e", TESTS)]}],
                        "attempts": [fail("sub-task p failed")],
                    }
                ]
            },
            "step s / p: tests: exit 1 in 0.2 s",
        ),
    ],
    ids=["planner", "task", "step", "sub-task"],
)
def test_run_has_the_reason_of_what_failed_last(result: dict[str, Any], reason: str) -> None:
    assert build_result_view(result).find_reason() == reason
