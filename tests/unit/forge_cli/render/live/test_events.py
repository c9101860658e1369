"""Lines of what is new come in the order in which things happened, each once."""

from datetime import UTC, datetime, timedelta
from typing import Any

from forge_cli.render.live.events import Look, render_pending_events, render_progress
from forge_cli.views.result import build_result_view
from forge_core.models.run import PendingActivity
from forge_obs import Interaction

BEGAN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ROOT = "forge-t-0a"
PLAN = {"steps": [{"step_id": "a"}, {"step_id": "b"}]}


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def make_attempt(
    number: int, start_s: float, signal: str = "success", **fields: Any
) -> dict[str, Any]:
    moment = at(start_s).isoformat()
    given = {
        "attempt": number,
        "signal": signal,
        "started_at": moment,
        "duration_ms": {"model": 1000},
    }
    return {**given, **fields}


def make_call(number: int, start_s: float, **columns: Any) -> Interaction:
    given: dict[str, Any] = {"role": "llm", "step_id": "a", "attempt": 1, "latency_ms": 500.0}
    return Interaction(**{**given, "id": number, "created_at": at(start_s), **columns})


def look(result: dict[str, Any], *calls: Interaction) -> Look:
    return Look(build_result_view(result), calls)


NOTHING = look({})


def test_a_run_is_told_in_the_order_in_which_it_happened() -> None:
    steps = [
        {
            "step_id": "a",
            "status": "success",
            "commit_sha": "c" * 40,
            "attempts": [make_attempt(1, 2, "failure_retryable", error="no"), make_attempt(2, 4)],
        },
        {"step_id": "b", "status": "failure_terminal", "attempts": [make_attempt(1, 8, "x")]},
    ]
    calls = (
        make_call(1, 0, role="planner", step_id=None),
        make_call(4, 0.2, status="ok", notes="asked for b.py; shown: b.py (whole)"),
        make_call(2, 4, status="error", error_type="rate_limited", error="slow down", attempt=2),
        make_call(3, 8, status="error", error="gone", step_id="b"),
    )

    assert render_progress(NOTHING, look({"plan": PLAN, "step_results": steps}, *calls)) == [
        "planned 2 steps: a, b",
        "step 1/2 a, attempt 1: asked for b.py",
        "step 1/2 a: attempt 1 failed: no",
        "step 1/2 a, attempt 2: a request failed: rate_limited: slow down",
        "step 1/2 a: attempt 2 passed",
        "step 1/2 a: success, commit cccccccccccc",
        "step 2/2 b, attempt 1: a request failed: gone",
        "step 2/2 b: attempt 1 failed: x",
        "step 2/2 b: failed",
    ]


def test_sub_tasks_of_a_second_attempt_at_their_step_are_told_after_the_first() -> None:
    def build(parts: list[dict[str, Any]], *attempts: dict[str, Any]) -> Look:
        results = [{"sub_task_id": "p", "attempts": parts}]
        step = {"step_id": "a", "sub_task_results": results, "attempts": list(attempts)}
        return look({"plan": PLAN, "step_results": [step]})

    first = make_attempt(1, 1, "failure_retryable", error="first")
    failed = make_attempt(1, 0, "failure_retryable", error="p failed")
    second = make_attempt(1, 5, "failure_retryable", error="second")
    before = build([first])

    assert render_progress(before, build([second], failed)) == [
        "step 1/2 a: attempt 1 failed: p failed",
        "step 1/2 a / p: attempt 1 failed: second",
    ]


def test_requests_that_failed_are_told_once_and_escaped() -> None:
    before = [make_call(1, 0, status="error", error_type="rate_limited", error="slow down")]
    after = [*before, make_call(2, 1, sub_task_id="p", status="error", error="\x1b[2J")]

    assert render_progress(NOTHING, look({}, *before)) == [
        "step a, attempt 1: a request failed: rate_limited: slow down"
    ]
    assert render_progress(look({}, *before), look({}, *after)) == [
        "step a / p, attempt 1: a request failed: \\x1b[2J"
    ]
    assert render_progress(look({}, *after), look({}, *after)) == []


def test_activities_are_told_where_no_record_tells_more() -> None:
    first = PendingActivity(ROOT, "5", "call_llm", 1, BEGAN, running=True)
    again = PendingActivity(
        f"{ROOT}/s1/2/p", "5", "call_llm", 2, BEGAN, running=False, failure="connection refused"
    )

    assert list(render_pending_events(ROOT, (), (first,))) == ["asking the model"]
    assert list(render_pending_events(ROOT, (first,), (first, again))) == [
        "s1 / p: asking the model, retry 1 after: connection refused"
    ]


def test_step_whose_attempt_passed_is_told_before_its_own_status_is_on_record() -> None:
    attempt = make_attempt(1, 2, commit_sha="c" * 40)
    step = {"step_id": "a", "status": "running", "attempts": [attempt]}
    passed = look({"plan": PLAN, "step_results": [step]})
    ended = look({"plan": PLAN, "step_results": [{**step, "status": "success"}]})

    assert render_progress(look({"plan": PLAN}), passed) == [
        "step 1/2 a: attempt 1 passed",
        "step 1/2 a: success, commit cccccccccccc",
    ]
    assert render_progress(passed, ended) == []
