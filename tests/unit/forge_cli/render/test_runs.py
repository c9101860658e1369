"""Runs, calls and progress as text, from values alone."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from forge_cli.render.calls.listing import render_interactions
from forge_cli.render.figures import (
    format_age,
    format_count,
    format_duration,
    format_milliseconds,
    format_moment,
    name_retry,
)
from forge_cli.render.json_documents import build_interactions, build_run_list, build_status
from forge_cli.views.costs import Tally
from forge_cli.views.json_text import dump
from forge_cli.views.run import RunView, build_run_view
from forge_obs import Interaction, Run

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RESULT: dict[str, Any] = {
    "status": "success",
    "worktree_branch": "forge/t",
    "planner_stats": {
        "model_name": "planner-1",
        "input_tokens": 10,
        "output_tokens": 2,
        "latency_ms": 1500.0,
    },
    "plan": {
        "steps": [
            {"step_id": "a", "description": "First."},
            {"step_id": "b", "description": "Second."},
        ]
    },
    "step_results": [
        {
            "step_id": "a",
            "status": "success",
            "commit_sha": "0123456789abcdef",
            "attempts": [
                {
                    "attempt": 1,
                    "signal": "failure_retryable",
                    "error": "validation failed (ruff_lint: 1 finding)",
                    "duration_ms": {"model": 40.0, "git": 2.0},
                    "validation_results": [
                        {
                            "check_name": "ruff_lint",
                            "passed": False,
                            "summary": "1 finding",
                            "details": "a.py:1:1 F821",
                        }
                    ],
                },
                {"attempt": 2, "signal": "success", "duration_ms": {}},
            ],
            "sub_task_results": [{"sub_task_id": "p", "status": "success"}],
        }
    ],
    "output_files": {"b.py": "22", "a.py": "11"},
}


TOTALS = Tally(calls=3, input_tokens=1200, output_tokens=45, usd=Decimal("0.25"))


def make_view(
    result: object = RESULT, status: str = "success", totals: Tally = TOTALS, **columns: Any
) -> RunView:
    run = Run(
        **{
            "workflow_id": "forge-t-0a",
            "task_id": "t",
            "status": status,
            "created_at": NOW - timedelta(minutes=5),
            "finished_at": NOW - timedelta(minutes=4),
            "result_json": result if isinstance(result, str) else json.dumps(result),
            **columns,
        }
    )
    return build_run_view(run, status, totals, NOW, "9.9")


def make_call(**columns: Any) -> Interaction:
    return Interaction(
        **{
            "role": "llm",
            "step_id": "a",
            "attempt": 1,
            "model_name": "writer-1",
            "input_tokens": 4120,
            "output_tokens": 45,
            "cache_read_tokens": 3000,
            "latency_ms": 820.0,
            "created_at": NOW,
            "system_prompt": "You write.",
            "user_prompt": "Do it.",
            "response": '{"files": []}',
            **columns,
        }
    )


def test_call_is_shown_whole_with_its_figures() -> None:
    prompt = "line\n" * 50_000

    text = render_interactions([make_call(user_prompt=prompt)])

    assert "call 1 of 1: llm, step a, attempt 1" in text
    assert "tokens     4,120 in (3,000 from cache), 45 out" in text
    assert "latency    820 ms" in text
    assert f"system prompt:\nYou write.\n\nuser prompt:\n{prompt}" in text
    assert 'response:\n{"files": []}' in text


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        pytest.param({"status": "started", "response": None}, "outcome unknown", id="started"),
        pytest.param(
            {"status": "error", "error_type": "rate_limited", "error": "slow down"},
            "error      rate_limited: slow down",
            id="error",
        ),
        pytest.param({"usage_known": False}, "tokens     not reported", id="no usage"),
        pytest.param({"usage_known": False}, "cost       unknown", id="cost unknown"),
        pytest.param(
            {"status": "error", "error_type": "quota", "usage_known": False},
            "cost       none: the provider refused the request",
            id="refused",
        ),
        pytest.param({"response": None}, "response: none", id="no answer"),
        pytest.param({"origin": "scripted"}, "[scripted]", id="origin"),
        pytest.param(
            {"request_model": "openai:other"}, "(requested openai:other)", id="other model"
        ),
        pytest.param(
            {"sub_task_id": "p", "step_attempt": 2, "seq": 1, "activity_attempt": 3},
            "llm, step a, sub-task p, step attempt 2, attempt 1, request 2, retry 2",
            id="labels",
        ),
        pytest.param(
            {"context_stats_json": '{"total_estimated_tokens": 9, "budget_utilization": 0.5}'},
            "about 9 tokens (50.0% of the budget)",
            id="context",
        ),
        pytest.param({"user_prompt": "a\x1b[2J"}, "a\\x1b[2J", id="hostile"),
        pytest.param({"broken": "latency_ms: not a number"}, "broken", id="broken"),
    ],
)
def test_call_says_what_is_special_about_it(columns: dict[str, Any], line: str) -> None:
    assert line in render_interactions([make_call(**columns)])


def test_documents_are_ascii_with_a_schema_version() -> None:
    text = dump(build_run_list([make_view(task_id="☃")], pending=0, lost=2))

    document = json.loads(text)
    assert text.isascii()
    assert document["schema_version"] == 1
    assert (document["pending"], document["lost"]) == (0, 2)
    assert document["runs"][0]["task_id"] == "☃"
    assert document["runs"][0]["created_at"] == "2026-11-23T11:55:00.000000Z"
    assert document["runs"][0]["duration_s"] == 60.0


def test_status_document_decodes_columns_and_hides_texts_unless_verbose() -> None:
    call = make_call(context_stats_json='{"files_discovered": 4}', params_json="{broken")

    document = build_status(make_view(), [call], verbose=False)

    assert document["result"] == RESULT
    [interaction] = document["interactions"]
    assert interaction["context_stats"] == {"files_discovered": 4}
    assert interaction["params"] == "{broken"
    assert not {"system_prompt", "user_prompt", "response"} & interaction.keys()
    [verbose] = build_interactions([call], verbose=True)
    assert (verbose["user_prompt"], verbose["response"]) == ("Do it.", '{"files": []}')


def test_figures_are_for_reading() -> None:
    assert [format_duration(timedelta(seconds=s)) for s in (0.25, 75, 3700, 200_000)] == [
        "0.2 s",
        "1 min 15 s",
        "1 h 1 min",
        "2 d 7 h",
    ]
    assert format_milliseconds(999) == "999 ms"
    assert format_milliseconds(1500) == "1.5 s"
    assert [format_count(n, "step") for n in (1, 2)] == ["1 step", "2 steps"]
    assert format_age(NOW - timedelta(hours=30), NOW) == "1 d ago"
    assert [name_retry(attempt) for attempt in (None, 1, 2, 3)] == ["", "", "retry 1", "retry 2"]


def test_moment_is_told_with_the_name_of_its_zone() -> None:
    assert format_moment(NOW) == "2026-11-23 12:00:00 UTC"
    assert format_moment(NOW, ZoneInfo("Asia/Tokyo")) == "2026-11-23 21:00:00 JST"
    assert format_moment(datetime.max.replace(tzinfo=UTC), ZoneInfo("Asia/Tokyo")).endswith("UTC")
