"""The view of a run that goes on fits its terminal and keeps in sight what matters."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from forge_cli.render.live import LiveState, render_call_events, render_live, render_pending_events
from forge_cli.views.outline import build_outline
from forge_cli.views.result import parse_result
from forge_core.models.run import PendingActivity
from forge_obs import Interaction
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BEGAN = NOW - timedelta(seconds=75)
ROOT = "forge-t-0a"


def make_step(number: int, parts: int = 0) -> dict[str, Any]:
    sub_tasks = [{"sub_task_id": f"p{part}", "description": ""} for part in range(parts)]
    return {"step_id": f"s{number}", "description": "", "sub_tasks": sub_tasks}


def make_done(number: int, status: str = "success") -> dict[str, Any]:
    attempt = {"attempt": 1, "signal": status, "started_at": BEGAN.isoformat()}
    return {"step_id": f"s{number}", "status": status, "attempts": [attempt]}


def make_call(step: int, **columns: Any) -> Interaction:
    given: dict[str, Any] = {
        "id": step,
        "role": "llm",
        "step_id": f"s{step}",
        "attempt": 1,
        "model_name": "writer",
        "input_tokens": 4120,
        "output_tokens": 45,
        "latency_ms": 2000.0,
        "created_at": NOW - timedelta(seconds=12),
    }
    return Interaction(**{**given, **columns})


def make_state(
    steps: int, done: int, parts: int = 0, *, pending: tuple[PendingActivity, ...] = ()
) -> LiveState:
    plan = [make_step(number, parts) for number in range(steps)]
    result = {"plan": {"steps": plan}, "step_results": [make_done(n) for n in range(done)]}
    flight = make_call(done, status="started", usage_known=False)
    calls = [make_call(n) for n in range(done)] + [flight]
    outline = build_outline(parse_result(json.dumps(result)), calls, running=True)
    return LiveState(ROOT, BEGAN, outline, pending=pending)


def make_pending(**fields: Any) -> PendingActivity:
    given: dict[str, Any] = {
        "workflow_id": ROOT,
        "activity_id": "5",
        "name": "call_llm",
        "attempt": 1,
        "since": NOW - timedelta(seconds=4),
        "running": True,
    }
    return PendingActivity(**{**given, **fields})


def render(state: LiveState, width: int = 80, height: int = 24) -> list[str]:
    return render_live(state, NOW, width=width, height=height).plain.splitlines()


def test_each_step_has_its_state_attempt_time_and_tokens() -> None:
    assert render(make_state(3, 1)) == [
        "✓ s0  attempt 1  1 min 5 s  4.12k in     45 out",
        "● s1  attempt 1     12.0 s",
        "○ s2",
        "s1: asking writer, 12.0 s",
        "1/3 steps · 2 calls · 4.12k in 45 out · cost unknown · 1 min 15 s",
    ]


def test_sub_tasks_are_shown_while_their_step_is_under_way() -> None:
    lines = render(make_state(2, 0, parts=2))

    assert lines[:4] == ["● s0  attempt 1     12.0 s", "  ○ p0", "  ○ p1", "○ s1"]


def test_done_and_waiting_steps_are_collapsed_where_200_do_not_fit() -> None:
    lines = render(make_state(200, 120))

    assert len(lines) <= 24
    assert lines[0] == "✓ 120 steps done"
    assert lines[1].startswith("● s120")
    assert "more waiting" in lines[-3]
    assert lines[-1].startswith("120/200 steps")


@given(
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 20),
    st.integers(20, 120),
    st.integers(6, 50),
)
def test_view_is_never_larger_than_its_terminal(
    waiting: int, done: int, parts: int, width: int, height: int
) -> None:
    state = make_state(done + 1 + waiting, done, parts, pending=(make_pending(),) * (parts + 1))

    lines = render(state, width, height)

    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width
    assert any("●" in line for line in lines)


def test_sub_task_whose_model_has_answered_is_told_from_one_that_waits_for_it() -> None:
    result = {"plan": {"steps": [make_step(0, parts=2)]}}
    calls = [
        make_call(0, sub_task_id="p0", step_attempt=1, status="ok"),
        make_call(0, sub_task_id="p1", step_attempt=1, status="started", usage_known=False),
    ]
    outline = build_outline(parse_result(json.dumps(result)), calls, running=True)

    lines = render(LiveState(ROOT, BEGAN, outline))

    assert [" ".join(line.split()) for line in lines[:3]] == [
        "● s0",
        "● p0: answered attempt 1 12.0 s 4.12k in 45 out",
        "● p1 attempt 1 12.0 s",
    ]


def test_sub_task_that_asks_again_is_running_again() -> None:
    calls = [
        make_call(0, sub_task_id="p0", step_attempt=1, status="ok"),
        make_call(0, sub_task_id="p0", step_attempt=1, attempt=2, status="started"),
    ]
    outline = build_outline(parse_result("{}"), calls, running=True)

    assert outline.units[0].parts[0].state == "running"


def test_failed_step_is_marked_and_named() -> None:
    plan = {"steps": [make_step(0)]}
    result = {"plan": plan, "step_results": [make_done(0, "failure_terminal")]}
    outline = build_outline(parse_result(json.dumps(result)), [], running=True)

    assert render(LiveState(ROOT, BEGAN, outline))[0].startswith("✗ s0: failure_terminal")


@pytest.mark.parametrize(
    ("pending", "line"),
    [
        pytest.param(make_pending(), "asking the model, 4.0 s", id="running"),
        pytest.param(
            make_pending(workflow_id=f"{ROOT}/s1/2/colours"),
            "s1 / colours: asking the model, 4.0 s",
            id="sub-task",
        ),
        pytest.param(
            make_pending(
                attempt=3,
                running=False,
                failure="rate limited\x1b[2J",
                next_attempt_at=NOW + timedelta(seconds=7),
            ),
            "asking the model, try 3 in 7.0 s: rate limited\\x1b[2J",
            id="retry",
        ),
        pytest.param(
            make_pending(name="validate_output", attempt=2, failure="worker died"),
            "checking what was written, 4.0 s, try 2: worker died",
            id="second try",
        ),
        pytest.param(
            make_pending(running=False),
            "asking the model, waiting for a worker, 4.0 s",
            id="no worker",
        ),
        pytest.param(make_pending(name="new_one"), "new_one, 4.0 s", id="unknown"),
    ],
)
def test_what_goes_on_is_told_from_the_server(pending: PendingActivity, line: str) -> None:
    assert render(make_state(1, 0, pending=(pending,)))[-2] == line


def test_provider_failures_are_events_and_told_once() -> None:
    before = [make_call(1, status="error", error_type="rate_limited", error="slow down")]
    after = [*before, make_call(2, sub_task_id="p", status="error", error="\x1b[2J")]

    assert render_call_events([], before) == [
        "step s1, attempt 1: a request failed: rate_limited: slow down"
    ]
    assert render_call_events(before, after) == [
        "step s2 / p, attempt 1: a request failed: \\x1b[2J"
    ]
    assert render_call_events(after, after) == []


def test_activities_are_events_where_no_record_tells_more() -> None:
    first = make_pending()
    again = make_pending(attempt=2, running=False, failure="connection refused")

    assert list(render_pending_events(ROOT, (), (first,))) == ["asking the model"]
    assert list(render_pending_events(ROOT, (first,), (first, again))) == [
        "asking the model, try 2 after: connection refused"
    ]
