"""What a run's row says to who looks at it."""

from datetime import UTC, datetime, timedelta

import pytest
from forge_cli.views.run import build_run_view
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
