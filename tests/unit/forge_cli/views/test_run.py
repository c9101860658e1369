"""What a run's row says to who looks at it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from forge_cli.views.run import RunView, build_run_view
from forge_obs import Run

BEGAN = datetime(2026, 11, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("status", "finished_at", "now", "duration"),
    [
        ("success", BEGAN + HOUR, BEGAN, HOUR),
        ("running", None, BEGAN + HOUR, HOUR),
        ("interrupted", None, BEGAN + HOUR, None),
        ("success", BEGAN - HOUR, BEGAN, None),
        ("running", None, BEGAN - HOUR, None),
    ],
    ids=["ended", "running", "interrupted", "ended before it began", "began in the future"],
)
def test_duration_is_told_where_it_is_known(
    status: str, finished_at: datetime | None, now: datetime, duration: timedelta | None
) -> None:
    run = Run(workflow_id="w", status=status, created_at=BEGAN, finished_at=finished_at)

    assert build_run_view(run, status, None, now).duration == duration


PLAN = {"steps": [{"step_id": "a"}, {"step_id": "b"}, {"step_id": "c"}]}
PASSED = {"attempt": 1, "signal": "success"}
REFUSED = {"attempt": 1, "signal": "failure_retryable", "error": "ruff_lint: 1 finding\nmore"}


def make_view(status: str, result: dict[str, Any], **columns: Any) -> RunView:
    run = Run(workflow_id="w", created_at=BEGAN, result_json=json.dumps(result), **columns)
    return build_run_view(run, status, None, BEGAN)


def make_step(name: str, status: str, *attempts: dict[str, Any]) -> dict[str, Any]:
    return {"step_id": name, "status": status, "attempts": list(attempts)}


def test_step_whose_last_attempt_passed_counts_as_done() -> None:
    steps = [make_step("a", "success", PASSED), make_step("b", "running", PASSED)]
    view = make_view("interrupted", {"plan": PLAN, "step_results": steps})

    assert view.result.describe_steps() == "2/3"
    assert view.activity == "step c, attempt 1"


@pytest.mark.parametrize(
    ("status", "result", "planned", "activity"),
    [
        ("running", {}, True, "planning"),
        ("running", {}, False, "attempt 1"),
        ("running", {"attempts": [REFUSED]}, False, "attempt 2"),
        ("running", {"attempts": [PASSED]}, False, ""),
        ("budget", {"plan": PLAN}, True, "step a, attempt 1"),
        (
            "running",
            {"plan": PLAN, "step_results": [make_step("a", "running", REFUSED)]},
            True,
            "step a, attempt 2",
        ),
        ("success", {"plan": PLAN}, True, ""),
    ],
    ids=["plan", "single", "repair", "accepted", "stopped", "repair of a step", "ended"],
)
def test_run_that_has_not_ended_says_what_it_is_doing(
    status: str, result: dict[str, Any], *, planned: bool, activity: str
) -> None:
    assert make_view(status, result, planned=planned).activity == activity


@pytest.mark.parametrize(
    ("status", "columns", "reason"),
    [
        ("failure_terminal", {"reason": "step a: 401"}, "step a: 401"),
        ("failure_terminal", {}, "ruff_lint: 1 finding"),
        ("cancelled", {"reason": "cancelled"}, ""),
        ("success", {}, ""),
        ("running", {}, ""),
    ],
    ids=["on record", "of an older run", "no more than its status", "success", "running"],
)
def test_run_says_why_it_is_no_success(status: str, columns: dict[str, Any], reason: str) -> None:
    assert make_view(status, {"attempts": [REFUSED]}, **columns).reason == reason


@pytest.mark.parametrize(
    ("status", "elapsed_s", "paused_s", "has_account"),
    [
        ("success", 3000.0, 600.0, True),
        ("success", 3600.0, 0.0, True),
        ("success", 0.0, 0.0, False),
        ("cancelled", 3000.0, 600.0, True),
        ("cancelled", 3600.0, 0.0, False),
        ("interrupted", 3000.0, 0.0, False),
    ],
    ids=["resumed", "not paused", "of old", "resumed, cancelled", "cancelled", "interrupted"],
)
def test_pause_is_known_where_the_runs_own_account_is_whole(
    status: str, elapsed_s: float, paused_s: float, has_account: bool
) -> None:
    view = make_view(status, {"elapsed_s": elapsed_s}, finished_at=BEGAN + HOUR)

    assert (view.paused_s, view.has_account) == (paused_s, has_account)
