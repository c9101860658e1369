"""Calls that brought nothing are summed by why they did."""

from datetime import UTC, datetime
from typing import Any

import pytest
from forge_cli.views.analysis.waste import sum_waste
from forge_cli.views.costs import NO_PRICES
from forge_cli.views.json_text import dump
from forge_cli.views.outline import build_outline
from forge_cli.views.result import parse_result
from forge_obs import Interaction

MOMENT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
REFUSED = {"attempt": 1, "signal": "failure_retryable"}
LINT = {"check_name": "ruff_lint", "passed": False}


def list_causes(result: dict[str, Any], **fields: Any) -> list[tuple[str, int]]:
    call = Interaction(**{"created_at": MOMENT, "role": "llm", "attempt": 1, **fields})
    outline = build_outline(parse_result(dump(result)), [call], running=False)
    return [(waste.cause, waste.tally.calls) for waste in sum_waste(outline, NO_PRICES)]


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"error_type": "timeout"}, "the request failed: timeout"),
        ({}, "the request failed: unknown"),
        ({"outcome": "unusable"}, "the answer could not be used"),
    ],
    ids=["kind", "no kind", "unusable"],
)
@pytest.mark.parametrize(
    ("role", "result"), [("planner", {}), ("llm", {"attempts": [REFUSED]})], ids=["plan", "attempt"]
)
def test_failed_request_is_put_down_to_its_kind(
    role: str, result: dict[str, Any], fields: dict[str, str], cause: str
) -> None:
    assert list_causes(result, role=role, status="error", **fields) == [(cause, 1)]


@pytest.mark.parametrize(
    ("checks", "cause"),
    [([LINT], "ruff_lint failed"), ([], "the answer was refused")],
    ids=["check", "no check"],
)
def test_refused_answer_is_put_down_to_the_check_that_failed(
    checks: list[dict[str, Any]], cause: str
) -> None:
    result = {"attempts": [{**REFUSED, "validation_results": checks}]}

    assert list_causes(result, status="ok") == [(cause, 1)]


def test_accepted_answer_and_a_plan_are_no_waste() -> None:
    accepted = {"attempts": [{"attempt": 1, "signal": "success"}]}

    assert list_causes(accepted, status="ok") == []
    assert list_causes({}, role="planner", status="ok") == []
