"""What is asked for of a run's calls: what is seen as failed, and steps that are there."""

from typing import Any

import pytest
from forge_cli.views.calls.selection import CallFilter, find_unknown
from forge_cli.views.outline import build_outline
from forge_cli.views.result import build_result_view
from forge_obs import Interaction

RESULT = {
    "plan": {
        "steps": [{"step_id": "a"}, {"step_id": "b", "sub_tasks": [{"sub_task_id": "p"}]}],
    },
    "step_results": [
        {
            "step_id": "a",
            "status": "success",
            "attempts": [
                {"attempt": 1, "signal": "failure_retryable", "error": "ruff_lint"},
                {"attempt": 2, "signal": "success"},
            ],
        }
    ],
}


def make_call(number: int, **columns: Any) -> Interaction:
    return Interaction(id=number, **{"role": "llm", "step_id": "a", "attempt": 1, **columns})


FAILED = CallFilter(failed=True)


@pytest.mark.parametrize(
    ("columns", "is_failed"),
    [
        ({"outcome": "accepted", "attempt": 2}, False),
        ({"outcome": "refused"}, True),
        ({"outcome": "unusable", "status": "error"}, True),
        ({"status": "error", "error_type": "quota"}, True),
        ({"status": "started"}, True),
        ({}, True),
        ({"attempt": 2}, False),
    ],
    ids=[
        "accepted",
        "refused",
        "unusable",
        "error",
        "outcome unknown",
        "refused, by an older store",
        "accepted, by an older store",
    ],
)
def test_failed_is_what_is_seen_as_failed(columns: dict[str, Any], *, is_failed: bool) -> None:
    outline = build_outline(build_result_view(RESULT), [make_call(1, **columns)], running=False)

    narrowed = FAILED.narrow(outline)

    assert [call.id for call in narrowed.calls] == ([1] if is_failed else [])


def test_attempt_whose_check_could_not_be_made_is_seen_as_failed() -> None:
    check = {"check_name": "tests", "passed": False, "unusable": True, "summary": "no such command"}
    attempt = {"attempt": 1, "signal": "failure_terminal", "validation_results": [check]}
    outline = build_outline(
        build_result_view({"attempts": [attempt]}), [make_call(1, step_id=None)], running=False
    )

    assert [call.id for call in FAILED.narrow(outline).calls] == [1]


def test_calls_keep_their_order_and_others_go_with_their_units() -> None:
    calls = [
        make_call(1, role="planner", step_id=None),
        make_call(2, attempt=2),
        make_call(3, step_id="b", sub_task_id="p"),
        make_call(4, attempt=1),
    ]
    outline = build_outline(build_result_view(RESULT), calls, running=False)

    narrowed = CallFilter(step="a").narrow(outline)

    assert [call.id for call in narrowed.calls] == [2, 4]
    assert [unit.name for unit in narrowed.units] == ["a"]
    assert narrowed.planner == ()


@pytest.mark.parametrize(
    ("query", "unknown"),
    [
        (CallFilter(), None),
        (CallFilter(step="b", sub_task="p"), None),
        (CallFilter(step="c"), ("step", "c", ["a", "b"])),
        (CallFilter(sub_task="q"), ("sub-task", "q", ["p"])),
        (CallFilter(step="a", sub_task="p"), ("sub-task", "p", [])),
    ],
    ids=["nothing", "both", "no such step", "no such sub-task", "sub-task of another step"],
)
def test_step_that_is_not_there_is_found_out(query: CallFilter, unknown: object) -> None:
    outline = build_outline(build_result_view(RESULT), [], running=False)

    assert find_unknown(query, outline) == unknown


def test_what_is_asked_for_is_told_in_words() -> None:
    query = CallFilter("a", "p", 2, "llm", failed=True)

    assert query.describe() == "step a, sub-task p, attempt 2, role llm, failed"
    assert not CallFilter().narrows
