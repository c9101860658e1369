"""The frame of a run fits its terminal and keeps in sight what matters, each thing once."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from forge_cli.render.live.frame import render_live
from forge_cli.render.live.state import LiveState
from forge_cli.views.outline import build_outline
from forge_cli.views.request import RequestView
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
    return {"step_id": f"s{number}", "description": f"Step {number}.", "sub_tasks": sub_tasks}


def make_done(number: int, status: str = "success", **fields: Any) -> dict[str, Any]:
    attempt = {"attempt": 1, "signal": status, "started_at": BEGAN.isoformat(), **fields}
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
    request = RequestView("Do all of it.\nAnd well.", {"step": 2})
    return LiveState(ROOT, BEGAN, outline, pending=pending, request=request)


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


def show(result: dict[str, Any], *calls: Interaction, **fields: Any) -> list[str]:
    """Render a run and squeeze the space out of its lines."""
    outline = build_outline(parse_result(json.dumps(result)), calls, running=True)
    request = RequestView("", {"step": 2, "sub-task": 3})
    state = LiveState(ROOT, BEGAN, outline, request=request, **fields)
    return squeeze(render(state, width=110))


def squeeze(lines: list[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines]


def test_each_step_has_its_description_word_time_and_tokens() -> None:
    assert render(make_state(3, 1)) == [
        "Do all of it.",
        "✓ Step 0.  s0              1 min 5 s  4.12k in     45 out",
        "● Step 1.  s1  asking         12.0 s",
        "○ Step 2.  s2",
        "━━━━──────── 1/3 steps · 2 calls · 4.12k in 45 out · cost unknown · 1 min 15 s",
    ]


def test_figures_keep_their_columns_where_names_are_cut() -> None:
    step = {"step_id": "s0", "description": "猫" * 100}
    state = make_state(0, 0)
    outline = build_outline(
        parse_result(json.dumps({"plan": {"steps": [step]}})), [make_call(0)], running=True
    )

    for width in (80, 110, 200):
        [line] = [line for line in render(replace(state, outline=outline), width) if "猫" in line]
        assert "…" in line
        assert line.endswith("12.0 s  4.12k in     45 out")
        assert cell_len(line) in {width, width - 1}


def test_ids_give_way_to_descriptions_where_the_terminal_is_narrow() -> None:
    step = {"step_id": "s" * 60, "description": "Short."}
    outline = build_outline(parse_result(json.dumps({"plan": {"steps": [step]}})), [], running=True)
    state = replace(make_state(1, 0), outline=outline)

    assert "○ Short." in render(state, width=80)
    assert f"○ Short.  {'s' * 60}" in render(state, width=200)


def test_sub_tasks_are_shown_while_their_step_is_under_way() -> None:
    lines = squeeze(render(make_state(2, 0, parts=2)))

    assert lines[1:5] == ["● Step 0. s0 asking 12.0 s", "○ p0", "○ p1", "○ Step 1. s1"]


def test_attempt_after_a_failed_one_says_how_many_there_are_and_why() -> None:
    check = {
        "check_name": "ruff_lint",
        "passed": False,
        "summary": "1 finding",
        "details": "a.py:3:1 F821 Undefined name `x`",
    }
    failed = make_done(0, "failure_retryable", validation_results=[check])
    result = {"plan": {"steps": [make_step(0)]}, "step_results": [{**failed, "status": "running"}]}

    lines = show(result, make_call(0), make_call(0, id=9, attempt=2, status="started"))

    assert lines[1] == "attempt 2/2, after ruff_lint: a.py:3:1 F821 Undefined name `x`"


def test_planner_has_its_time_and_tokens() -> None:
    planner = make_call(0, step_id=None, role="planner")
    planned = {"plan": {"steps": [make_step(0), make_step(1)]}}

    assert show(planned, planner)[0] == "✓ plan: 2 steps 2.0 s 4.12k in 45 out"
    asked = replace_call(planner, status="started", usage_known=False)
    assert show({}, asked)[0] == "● plan asking 12.0 s"
    round_one = make_call(0, step_id=None, role="planner", notes="asked for a.py; shown: a.py")
    assert show({}, round_one, asked)[0] == "● plan shown more 12.0 s 4.12k in 45 out"


def replace_call(call: Interaction, **columns: Any) -> Interaction:
    fields = ("id", "role", "step_id", "model_name", "created_at")
    return Interaction(**{name: getattr(call, name) for name in fields} | columns)


def test_30_steps_leave_the_last_ones_done_and_the_next_ones_in_sight() -> None:
    lines = render(make_state(30, 12))

    assert len(lines) <= 24
    assert lines[1].split() == ["✓", "2", "steps", "done"]
    assert [line.split()[2] for line in lines[2:13]] == [f"{n}." for n in range(2, 13)]
    assert "more waiting" in lines[-2]
    assert "12/30 steps" in lines[-1]


def test_12_sub_tasks_at_a_time_stay_in_the_order_of_the_plan() -> None:
    pending = [
        make_pending(workflow_id=f"{ROOT}/s0/1/p{number}", tokens=100 + number)
        for number in reversed(range(12))
    ]

    lines = render(make_state(3, 0, parts=12, pending=tuple(pending)))

    assert len(lines) <= 24
    parts = [line for line in lines if line.startswith("  ")]
    assert [part.split()[1] for part in parts] == [f"p{number}" for number in range(12)]
    assert "asking" in parts[3]
    assert parts[3].endswith("~103 out")


def test_done_and_waiting_steps_are_collapsed_where_200_do_not_fit() -> None:
    lines = render(make_state(200, 120), height=10)

    assert len(lines) <= 10
    assert lines[1].startswith("✓ 117 steps done")
    assert any(line.startswith("● Step 120.") for line in lines)
    assert "more waiting" in lines[-2]
    assert "120/200 steps" in lines[-1]


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
    pending = tuple(
        make_pending(workflow_id=f"{ROOT}/s{done}/1/p{part}", attempt=2, failure="no")
        for part in range(parts)
    )
    state = make_state(done + 1 + waiting, done, parts, pending=pending)

    lines = render(state, width, height)

    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width
    assert any("●" in line for line in lines)


def test_sub_task_whose_model_has_answered_is_told_from_one_that_waits_for_it() -> None:
    lines = show(
        {"plan": {"steps": [make_step(0, parts=2)]}},
        make_call(0, sub_task_id="p0", step_attempt=1, status="ok"),
        make_call(0, sub_task_id="p1", step_attempt=1, status="started", usage_known=False),
    )

    assert lines[:3] == [
        "● Step 0. s0 12.0 s 4.12k in 45 out",
        "● p0 answered 12.0 s 4.12k in 45 out",
        "● p1 asking 12.0 s",
    ]


def test_sub_task_that_asks_again_is_running_again() -> None:
    calls = [
        make_call(0, sub_task_id="p0", step_attempt=1, status="ok"),
        make_call(0, sub_task_id="p0", step_attempt=1, attempt=2, status="started"),
    ]
    outline = build_outline(parse_result("{}"), calls, running=True)

    assert outline.units[0].parts[0].state == "running"


def test_failed_step_is_marked_and_says_why() -> None:
    failed = make_done(0, "failure_terminal", error="quota\x1b[2J")
    result = {"plan": {"steps": [make_step(0)]}, "step_results": [failed]}

    assert show(result)[:2] == ["✗ Step 0. s0 failed 0.0 s", "quota\\x1b[2J"]


def test_run_that_was_stopped_says_what_rests() -> None:
    running = make_state(2, 1)
    outline = build_outline(
        parse_result(json.dumps({"plan": {"steps": [make_step(0)]}})),
        [make_call(0, status="started")],
        running=False,
    )

    lines = render(replace(running, outline=outline, ended=NOW - timedelta(seconds=5)))

    assert squeeze(lines)[1] == "‖ Step 0. s0 paused 7.0 s"
    assert lines[-1].endswith(" · 1 min 10 s")


def test_planner_that_was_stopped_rests_too() -> None:
    asked = make_call(0, step_id=None, role="planner", status="started")
    outline = build_outline(parse_result("{}"), [asked], running=False)

    lines = render(LiveState(ROOT, BEGAN, outline, ended=NOW))

    assert squeeze(lines)[0] == "‖ plan paused 12.0 s"


@pytest.mark.parametrize(
    ("pending", "lines"),
    [
        pytest.param(make_pending(), ["● Step 1. s1 asking 4.0 s"], id="running"),
        pytest.param(make_pending(tokens=412), ["● Step 1. s1 asking 4.0 s ~412 out"], id="tokens"),
        pytest.param(
            make_pending(
                attempt=3,
                running=False,
                failure="rate limited\x1b[2J",
                next_attempt_at=NOW + timedelta(seconds=7),
            ),
            ["● Step 1. s1 retrying 4.0 s", "retry 2 in 7.0 s: rate limited\\x1b[2J"],
            id="retry",
        ),
        pytest.param(
            make_pending(name="validate_output", attempt=2, failure="worker died"),
            ["● Step 1. s1 checking 4.0 s", "retry 1: worker died"],
            id="second try",
        ),
        pytest.param(
            make_pending(running=False),
            ["● Step 1. s1 queued 4.0 s", "no worker takes it yet (asking)"],
            id="no worker",
        ),
        pytest.param(make_pending(name="new_one"), ["● Step 1. s1 new_one 4.0 s"], id="unknown"),
        pytest.param(
            make_pending(name="create_worktree"),
            ["○ Step 1. s1", "● run preparing 4.0 s"],
            id="of the run",
        ),
    ],
)
def test_what_goes_on_is_told_from_the_server(pending: PendingActivity, lines: list[str]) -> None:
    state = make_state(2, 1, pending=(pending,))
    calls = [call for call in state.outline.calls if call.status != "started"]
    result = {"plan": {"steps": [make_step(0), make_step(1)]}, "step_results": [make_done(0)]}
    outline = build_outline(parse_result(json.dumps(result)), calls, running=True)

    assert squeeze(render(replace(state, outline=outline)))[2:-1] == lines


def test_what_goes_on_is_shown_where_nothing_is_on_record() -> None:
    state = LiveState(
        ROOT,
        BEGAN,
        pending=(make_pending(workflow_id=f"{ROOT}/s1/2/colours"), make_pending(tokens=7)),
        request=RequestView("Do it."),
    )

    assert squeeze(render(state)) == [
        "Do it.",
        "● run asking 4.0 s ~7 out",
        "● s1 / colours asking 4.0 s",
        "1 min 15 s",
    ]


def test_request_that_has_ended_by_the_record_is_not_said_to_be_out() -> None:
    pending = make_pending(since=NOW - timedelta(seconds=12))
    done = make_call(0, created_at=NOW - timedelta(seconds=11))

    lines = show({"plan": {"steps": [make_step(0)]}}, done, pending=(pending,))

    assert lines[0] == "● Step 0. s0 11.0 s 4.12k in 45 out"


def test_calls_then_tokens_make_room_for_cost_and_time() -> None:
    state = make_state(3, 1)

    assert render(state, 60)[-1] == "1/3 steps · 4.12k in 45 out · cost unknown · 1 min 15 s"
    assert render(state, 50)[-1] == "━━━─────── 1/3 steps · cost unknown · 1 min 15 s"


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("success", "✓ task 2 attempts 12.0 s 8.24k in 90 out"),
        ("failure_terminal", "✗ task failed 12.0 s 8.24k in 90 out"),
        ("running", "● task 12.0 s 8.24k in 90 out"),
    ],
)
def test_task_without_a_plan_ends_as_its_result_says(status: str, shown: str) -> None:
    attempts = [
        {"attempt": 1, "signal": "failure_retryable", "error": "no"},
        {"attempt": 2, "signal": "success" if status == "success" else "failure_terminal"},
    ]
    calls = [make_call(0, step_id=None), make_call(0, id=1, step_id=None, attempt=2)]
    calls[1].latency_ms = 12_000.0

    assert show({"status": status, "attempts": attempts}, *calls)[0] == shown


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("failure_terminal", ["✗ plan failed 2.0 s 4.12k in 45 out"]),
        ("budget", ["‖ plan paused 1 min 15 s 4.12k in 45 out"]),
    ],
)
def test_planner_without_a_plan_ends_as_its_run(status: str, shown: list[str]) -> None:
    call = make_call(0, step_id=None, role="planner", created_at=BEGAN)
    outline = build_outline(parse_result("{}"), [call], running=False)

    assert squeeze(render(LiveState(ROOT, BEGAN, outline, status=status)))[:-1] == shown


def test_unit_that_a_failed_run_left_unfinished_does_not_rest() -> None:
    result = parse_result(json.dumps({"plan": {"steps": [make_step(0)]}}))
    outline = build_outline(result, [make_call(0, status="started")], running=False)

    failed = squeeze(render(LiveState(ROOT, BEGAN, outline, status="error")))

    assert failed[0].startswith("‖ Step 0. s0 unfinished")
