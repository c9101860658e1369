"""What was repaired in a run: the last two attempts of a unit, or its last two requests."""

from datetime import UTC, datetime
from typing import Any

import pytest
from forge_cli.views.comparison.repair import list_repairs, name_unit
from forge_cli.views.json_text import dump
from forge_cli.views.outline import build_outline
from forge_cli.views.result import parse_result
from forge_obs import Interaction

MOMENT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
REFUSED = {"signal": "failure_retryable"}


def call(number: int, step: str, attempt: int, **fields: Any) -> Interaction:
    return Interaction(
        **{"id": number, "created_at": MOMENT, "role": "llm", "step_id": step, **fields},
        attempt=attempt,
    )


def list_pairs(*calls: Interaction, attempts: int = 2) -> list[tuple[int | None, int | None, bool]]:
    steps = [
        {
            "step_id": name,
            "status": "failure_terminal",
            "attempts": [{"attempt": n + 1, **REFUSED} for n in range(attempts)],
        }
        for name in ("a", "b")
    ]
    result = {"plan": {"steps": [{"step_id": "a"}, {"step_id": "b"}]}, "step_results": steps}
    outline = build_outline(parse_result(dump(result)), calls, running=False)
    return [(r.before.id, r.after.id, r.are_requests) for r in list_repairs(outline)]


def test_last_attempts_of_each_unit_come_newest_first() -> None:
    calls = [call(1, "a", 1), call(2, "a", 2), call(3, "b", 1), call(4, "b", 1), call(5, "b", 2)]

    assert list_pairs(*calls) == [(4, 5, False), (1, 2, False)]


def test_requests_of_a_unit_with_one_attempt_come_behind_all_attempts() -> None:
    calls = [call(1, "a", 1), call(2, "a", 2), call(3, "b", 1), call(4, "b", 1)]

    assert list_pairs(*calls) == [(1, 2, False), (3, 4, True)]


def test_attempt_without_a_call_is_none_of_those_that_were_repaired() -> None:
    calls = [call(1, "a", 1), call(2, "a", 3), call(3, "b", 2)]

    assert list_pairs(*calls, attempts=3) == [(1, 2, False)]


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({"step_id": "a"}, "--step a"),
        ({"step_id": "a", "sub_task_id": "p"}, "--step a --sub-task p"),
        ({}, ""),
    ],
    ids=["step", "sub-task", "whole run"],
)
def test_unit_is_named_by_its_options(fields: dict[str, Any], options: str) -> None:
    assert name_unit(Interaction(created_at=MOMENT, **fields)) == options
