"""What goes on leads, a line each with its step; what has ended stands below."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from forge_cli.render.live.state import LiveState
from forge_cli.render.live.top import RunLine, render_top
from forge_cli.views.outline import build_outline
from forge_cli.views.request import RequestView
from forge_cli.views.result import parse_result
from forge_obs import Interaction
from rich.cells import cell_len
from rich.text import Text

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LISTED = Text("\n".join(["RUN", *(f"run-{number}" for number in range(30))]))
PLAN = {
    "steps": [
        {"step_id": "a", "description": "Write the parser."},
        {"step_id": "b", "description": "Test it.", "sub_tasks": [{"sub_task_id": "p"}]},
    ]
}
DONE = {"step_id": "a", "status": "success", "attempts": [{"attempt": 1, "signal": "success"}]}


def make_call(number: int, **columns: Any) -> Interaction:
    given: dict[str, Any] = {
        "role": "llm",
        "step_id": "b",
        "attempt": 1,
        "created_at": NOW - timedelta(seconds=5),
        "status": "started",
        "usage_known": False,
    }
    return Interaction(**{**given, "id": number, **columns})


def make_line(result: dict[str, Any], *calls: Interaction, task_id: str = "t") -> RunLine:
    outline = build_outline(parse_result(json.dumps(result)), calls, running=True)
    request = RequestView("Do\nit.")
    state = LiveState(f"forge-{task_id}", NOW - timedelta(seconds=75), outline, request=request)
    return RunLine(task_id, state)


def render(*lines: RunLine, width: int = 80, height: int = 24, listed: Text = LISTED) -> list[str]:
    return render_top(lines, listed, NOW, width=width, height=height).plain.splitlines()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (make_line({}), "● t 1 min 15 s -"),
        (make_line({}, make_call(1, role="planner", step_id=None)), "● t planning asking 1 min"),
        (make_line({"plan": PLAN}), "● t 1/2 Write the parser. 1 min 15 s -"),
        (
            make_line({"plan": PLAN, "step_results": [DONE]}, make_call(1, attempt=2)),
            "● t 2/2 Test it. (attempt 2) asking 1 min 15 s",
        ),
        (
            make_line(
                {"plan": PLAN, "step_results": [DONE]},
                make_call(1, sub_task_id="p"),
                make_call(2, sub_task_id="q"),
            ),
            "● t 2/2 Test it. 2 asking 1 min 15 s",
        ),
        (make_line({}, make_call(1, step_id=None)), "● t Do asking 1 min 15 s"),
    ],
    ids=["begun", "planning", "first step", "second attempt", "sub-tasks", "without a plan"],
)
def test_run_has_a_line_with_what_it_is_at(line: RunLine, said: str) -> None:
    lines = render(line)

    assert lines[0].startswith("1 run under way  12:00:00, Ctrl-C")
    assert " ".join(lines[1].split()).startswith(said)
    assert lines[2:4] == ["", "RUN"]


def test_runs_under_way_come_before_others_and_the_screen_is_not_exceeded() -> None:
    lines = [make_line({"plan": PLAN}, task_id=f"{number:02d}" + "x" * 60) for number in range(40)]

    some, many = render(*lines[:3], height=10), render(*lines, height=10)

    assert [line[:4] for line in some[1:4]] == ["● 00", "● 01", "● 02"]
    assert (some[5], len(some)) == ("RUN", 10)
    assert many[-1] == "… 33 more under way"
    assert len(many) <= 10


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_lines_are_no_wider_than_the_terminal(width: int) -> None:
    plan = {"steps": [{"step_id": "a", "description": "猫" * 300}]}

    lines = render(make_line({"plan": plan}, make_call(1, step_id="a")), width=width)

    assert max(map(cell_len, lines)) <= width
    assert "猫" in lines[1] or width == 20


def test_nothing_under_way_is_said() -> None:
    assert render()[0].startswith("no run is under way")
    assert render(listed=Text())[1:] == []
