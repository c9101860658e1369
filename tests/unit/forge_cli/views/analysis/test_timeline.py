"""Each attempt of a run has a lane with what it did, and when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from forge_cli.views.analysis.critical_path import find_critical_path
from forge_cli.views.analysis.timeline import Lane, build_timeline
from forge_cli.views.json_text import dump
from forge_cli.views.outline import build_outline
from forge_cli.views.result import parse_result
from forge_cli.views.spending import split_time
from forge_obs import Interaction

BEGAN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def call(at_s: float, took_s: float, **fields: Any) -> Interaction:
    moment = BEGAN + timedelta(seconds=at_s)
    return Interaction(created_at=moment, latency_ms=took_s * 1000, role="llm", **fields)


def attempt(at_s: float, **phases: float) -> dict[str, Any]:
    return {
        "attempt": 1,
        "signal": "success",
        "started_at": (BEGAN + timedelta(seconds=at_s)).isoformat(),
        "duration_ms": {name: seconds * 1000 for name, seconds in phases.items()},
    }


def lay_out(
    result: dict[str, Any], calls: list[Interaction], until_s: float | None = None
) -> list[Lane]:
    view = parse_result(dump(result))
    return build_timeline(build_outline(view, calls, running=until_s is not None), BEGAN, until_s)


def test_planner_comes_first_and_its_failed_request_is_marked() -> None:
    planner = call(1, 2, status="error")
    planner.role = "planner"

    [lane] = lay_out({}, [planner])

    assert (lane.unit, lane.attempt) == (None, None)
    [bar] = lane.bars
    assert (bar.activity, bar.start_s, bar.end_s, bar.is_failed) == ("model", 1, 3, True)


def test_time_of_the_model_is_that_of_its_requests() -> None:
    result = {"attempts": [attempt(1, context=1, model=8, validation=2)]}

    [lane] = lay_out(result, [call(3, 4, attempt=1)])

    bars = [(bar.activity, bar.start_s, bar.end_s) for bar in lane.bars]
    assert bars == [("context", 1, 2), ("model", 3, 7), ("validation", 10, 12)]
    assert (lane.start_s, lane.end_s) == (1, 12)


def test_attempt_whose_call_is_not_on_record_shows_the_time_of_its_model() -> None:
    [lane] = lay_out({"attempts": [attempt(0, context=1, model=8)]}, [])

    assert [bar.activity for bar in lane.bars] == ["context", "model"]


def test_sub_tasks_come_before_their_step_which_waits_for_them() -> None:
    step = {
        "step_id": "a",
        "attempts": [attempt(0, model=5, git=1)],
        "sub_task_results": [{"sub_task_id": "p", "attempts": [attempt(1, model=3)]}],
    }

    lanes = lay_out({"step_results": [step]}, [])

    assert [lane.unit and lane.unit.name for lane in lanes] == ["p", "a"]
    assert [bar.activity for bar in lanes[1].bars] == ["git"]


def test_request_under_way_lasts_until_now_and_one_that_was_lost_nobody_knows_how_long() -> None:
    calls = [call(at_s, 0, attempt=1, status="started") for at_s in (1, 31)]

    [under_way], [ended] = lay_out({}, calls, 40), lay_out({}, calls)

    assert [(b.start_s, b.end_s, b.is_unanswered) for b in under_way.bars] == [
        (1, 1, True),
        (31, 40, False),
    ]
    assert [(b.start_s, b.end_s, b.is_unanswered) for b in ended.bars] == [
        (1, 1, True),
        (31, 31, True),
    ]


def test_without_parallel_work_the_critical_path_is_how_the_time_was_spent() -> None:
    result = {
        "attempts": [
            attempt(1, context=1, model=8, validation=2, git=0.5),
            {**attempt(14, context=1, model=4, validation=1), "attempt": 2},
        ]
    }
    calls = [call(3, 4, attempt=1), call(16, 1, attempt=2, status="error"), call(18, 1, attempt=2)]
    outline = build_outline(parse_result(dump(result)), calls, running=False)

    path = find_critical_path(build_timeline(outline, BEGAN), 25, paused_s=2)
    split = split_time(outline, BEGAN, timedelta(seconds=25), paused_s=2)

    by_purpose = path.sum_by_purpose()
    assert {name: by_purpose[name] for name in split.spent_s} == pytest.approx(split.spent_s)
    assert path.sum_waits() == pytest.approx(split.waits_s)
