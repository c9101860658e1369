"""What a report says of a run beside its calls."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from forge_cli.render.figures import format_moment
from forge_cli.report.content import build_report
from forge_cli.views.costs import NO_PRICES
from forge_cli.views.run import build_run_view
from forge_obs import Interaction, Run

BEGAN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SEEN = BEGAN + timedelta(minutes=1)


def list_facts(status: str, *models: str, **columns: Any) -> dict[str, str]:
    run = Run(workflow_id="forge-w-1", created_at=BEGAN, seen_at=SEEN, **columns)
    calls = [Interaction(created_at=BEGAN, role="planner", model_name=name) for name in models]
    return dict(build_report(build_run_view(run, status, None, SEEN), calls, NO_PRICES).facts)


def test_only_an_interrupted_run_says_when_it_was_seen_last() -> None:
    assert list_facts("interrupted")["Last seen"] == format_moment(SEEN)
    assert "Last seen" not in list_facts("running")
    assert "Last seen" not in list_facts("success")


def test_models_that_answered_are_named_where_they_are_others() -> None:
    assert list_facts("success", "m", "n", "n", "", model_name="m")["Answered by"] == "n"
    assert "Answered by" not in list_facts("success", "m", model_name="m")


@pytest.mark.parametrize(
    ("columns", "title"),
    [
        ({"description": "Mend it.\nSoon.", "task_id": "t"}, "Mend it."),
        ({"task_id": "t"}, "t"),
        ({}, "forge-w-1"),
    ],
    ids=["description", "task", "neither"],
)
def test_page_is_called_by_the_first_line_of_what_there_is(
    columns: dict[str, Any], title: str
) -> None:
    run = Run(workflow_id="forge-w-1", created_at=BEGAN, **columns)

    assert build_report(build_run_view(run, "success", None, SEEN), [], NO_PRICES).title == title
