"""What an analysis says of a run that has not ended."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from forge_cli.views.analysis.analysis import Analysis, analyze_run
from forge_cli.views.costs import NO_PRICES
from forge_cli.views.run import build_run_view
from forge_cli.views.spending import BETWEEN, END
from forge_obs import Interaction, Run

BEGAN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOW = BEGAN + timedelta(seconds=20)


def analyze(status: str, call: Interaction, finished_at: datetime | None = None) -> Analysis:
    run = Run(workflow_id="w", status=status, created_at=BEGAN, finished_at=finished_at)
    return analyze_run(build_run_view(run, status, None, NOW), [call], NO_PRICES)


@pytest.mark.parametrize(
    ("status", "end_s", "is_unanswered"), [("running", 20, False), ("interrupted", 5, True)]
)
def test_request_under_way_takes_until_now_where_somebody_waits_for_it(
    status: str, end_s: float, is_unanswered: bool
) -> None:
    moment = BEGAN + timedelta(seconds=5)
    request = Interaction(created_at=moment, latency_ms=0, role="planner", status="started")

    [lane] = analyze(status, request).lanes

    [bar] = lane.bars
    assert (bar.end_s, bar.is_unanswered) == (end_s, is_unanswered)


@pytest.mark.parametrize(
    ("status", "finished_at", "purpose"), [("running", None, BETWEEN), ("success", NOW, END)]
)
def test_only_a_run_that_has_ended_took_time_for_its_end(
    status: str, finished_at: datetime | None, purpose: str
) -> None:
    planned = Interaction(created_at=BEGAN, latency_ms=8000, role="planner", status="ok")

    waits = analyze(status, planned, finished_at).path.sum_waits()

    assert {name: seconds for name, seconds in waits.items() if seconds} == {purpose: 12}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "ok"}, ""),
        ({"status": "error", "error_type": "timeout"}, "timeout"),
        ({"status": "ok", "outcome": "refused", "outcome_reason": "dull"}, ""),
        ({"status": "error", "outcome_reason": "cut", "error_type": "timeout"}, "cut"),
        ({"status": "started"}, "no answer is on record"),
    ],
    ids=["answered", "failed", "answered and refused", "said why", "no answer"],
)
def test_request_of_no_attempt_says_why_it_brought_nothing(
    fields: dict[str, Any], reason: str
) -> None:
    planned = Interaction(created_at=BEGAN, latency_ms=0, role="planner", **fields)

    [chapter] = analyze("interrupted", planned).story

    assert chapter.reason == reason
