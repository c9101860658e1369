"""The list of runs: what ran, how it stands and what it is about, on terminals of any width."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from forge_cli.render.runs.layout import Layout
from forge_cli.render.runs.run_list import name_model, render_run_list, render_run_news
from forge_cli.views.costs import Tally
from forge_cli.views.run import RunView, build_run_view
from forge_obs import Run
from rich.cells import cell_len

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TOTALS = Tally(calls=3, input_tokens=1200, output_tokens=45, usd=Decimal("0.25"))
STEPS = [
    {"step_id": "a", "status": "success", "attempts": [{"attempt": 1, "signal": "success"}]},
    {"step_id": "b", "status": "running"},
]
RESULT = {"plan": {"steps": [{"step_id": "a"}, {"step_id": "b"}]}, "step_results": STEPS}


def make_view(status: str = "success", totals: Tally = TOTALS, **columns: Any) -> RunView:
    given = {
        "workflow_id": "forge-t-0a",
        "task_id": "t",
        "status": status,
        "created_at": NOW - timedelta(minutes=5),
        "finished_at": NOW - timedelta(minutes=4),
        "model_name": "openai:gpt-5-mini",
        "description": "Keep track of dates.\nMore.",
        "result_json": json.dumps(RESULT),
    }
    run = Run(**{**given, **columns})
    return build_run_view(run, status, totals, NOW, "9.9")


def render(*views: RunView, width: int | None = None) -> list[str]:
    return render_run_list(views, Layout(width)).plain.splitlines()


def test_off_a_terminal_each_run_is_one_aligned_line() -> None:
    header, first, second, _, source, hint = render(
        make_view(), make_view("interrupted", finished_at=None)
    )

    assert header.split() == [
        "RUN", "TASK", "STATUS", "STEPS", "MODEL", "CALLS", "IN", "OUT", "COST", "DURATION",
        "AGE", "ABOUT",
    ]  # fmt: skip
    assert first.split()[:5] == ["forge-t-0a", "t", "success", "1/2", "openai:gpt-5-mini"]
    assert "    3  1.20k   45  $0.2500  1 min 0 s  5 min ago  Keep track of dates." in first
    assert second.endswith("-          5 min ago  step b, attempt 1 · Keep track of dates.")
    assert source == "cost by genai-prices 9.9"
    assert "forge resume ID" in hint
    assert header.index("STATUS") == first.index("success") == second.index("interrupted")


def test_run_that_failed_says_why_before_what_it_was_asked_for() -> None:
    _, line = render(make_view("failure_terminal", reason="step b: 401"))[:2]

    assert line.split()[2] == "failed"
    assert line.endswith("step b: 401 · Keep track of dates.")


@pytest.mark.parametrize(
    ("totals", "cost"),
    [
        pytest.param(Tally(), "-", id="no calls"),
        pytest.param(Tally(calls=2, scripted=2), "-", id="scripted"),
        pytest.param(Tally(calls=1, refused=1), "-", id="refused"),
        pytest.param(Tally(calls=1, unpriced=1), "unknown", id="unknown"),
        pytest.param(Tally(calls=2, usd=Decimal("1.5"), unpriced=1), "$1.50+", id="in part"),
        pytest.param(Tally(calls=1, usd=Decimal(0)), "$0.00", id="free"),
    ],
)
def test_list_says_what_a_run_cost(totals: Tally, cost: str) -> None:
    header, line = render(make_view(totals=totals))[:2]

    end = header.index("COST") + len("COST")
    assert line[: max(end, line.index("1 min 0 s") - 2)].split()[-1] == cost


def test_run_whose_task_id_another_one_has_is_not_offered_to_be_resumed() -> None:
    view = make_view("interrupted", finished_at=None)
    succeeded = replace(view, successor="forge-t-0b")

    text = render_run_list([succeeded]).plain

    assert view.resume == "forge resume forge-t-0a"
    assert succeeded.resume is None
    assert "forge resume" not in text
    assert text.endswith(
        "forge-t-0a: run forge-t-0b has its task id now: forge cancel forge-t-0a ends it"
    )


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (80, ["RUN", "STATUS", "STEPS", "COST", "AGE"]),
        (88, ["RUN", "STATUS", "STEPS", "MODEL", "COST", "AGE"]),
        (
            200,
            [
                *("RUN", "TASK", "STATUS", "STEPS", "MODEL", "CALLS", "IN", "OUT", "COST"),
                *("DURATION", "AGE", "ABOUT"),
            ],
        ),
        (40, ["RUN", "STATUS", "STEPS"]),
    ],
)
def test_terminal_does_without_the_lesser_columns(width: int, columns: list[str]) -> None:
    lines = render(make_view(workflow_id="add-parser-for-dates-0a1b2c3d"), width=width)

    assert lines[0].split() == columns
    assert max(map(cell_len, lines[:3])) <= width


def test_what_a_run_is_about_is_cut_below_it_where_its_line_has_no_room() -> None:
    about = "日付の解析" * 30 + " 🎉"

    lines = render(make_view(description=about), width=80)

    assert lines[2].startswith("  日付の解析")
    assert lines[2].endswith("…")
    assert cell_len(lines[2]) in {79, 80}


def test_long_id_has_a_line_of_its_own_and_its_figures_in_the_columns() -> None:
    long = "add-a-parser-for-iso-dates-with-tests-for-all-of-them-0a1b2c3d"

    header, first, _, second, figures, _ = render(
        make_view(), make_view(workflow_id=long), width=80
    )[:6]

    assert second == long
    assert figures.split() == ["success", "1/2", "$0.2500", "5", "min", "ago"]
    assert header.index("STATUS") == first.index("success") == figures.index("success")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (None, "-"),
        ("openai:gpt-5", "openai:gpt-5"),
        ("scripted:/a/b/answers.json", "scripted:answers.json"),
        ("scripted:answers.json", "scripted:answers.json"),
    ],
)
def test_scripted_model_is_named_by_its_file(model: str | None, name: str) -> None:
    assert name_model(model) == name


def test_news_of_runs_are_those_that_are_new_or_changed() -> None:
    running, done = make_view("running"), make_view("success")
    other = make_view("error", workflow_id="forge-u-0b", result_json="{}", reason="no git")

    assert render_run_news([], [running]) == ["run forge-t-0a: running, 1/2 steps"]
    assert render_run_news([running], [other, done]) == [
        "run forge-t-0a: success, 1/2 steps",
        "run forge-u-0b: failed: no git",
    ]
    assert render_run_news([done], [done]) == []


def test_long_workflow_id_is_never_cut() -> None:
    long = "forge-" + "x" * 300

    assert all(
        long in render_run_list([make_view(workflow_id=long)], Layout(width)).plain
        for width in (None, 80)
    )


def test_broken_row_is_shown_as_broken() -> None:
    text = render_run_list([make_view(broken="status: not text")]).plain

    assert "broken row" in text
    assert "status: not text" in text
