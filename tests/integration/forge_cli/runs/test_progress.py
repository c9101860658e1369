"""Progress in lines tells what happens from the moment on that it was begun."""

from forge_cli.runs.progress import LineProgress
from forge_cli.store.queries import Store
from support.records import WORKFLOW_ID, record_call, record_run


def test_call_that_fails_right_after_the_first_line_is_told() -> None:
    record_run(status="running", finished_at=None, result={})
    told: list[str] = []

    def tell(line: str) -> None:
        if not told:
            record_call(status="error", error_type="rate_limited", error="slow down")
        told.append(line)

    progress = LineProgress(Store(), WORKFLOW_ID, tell)
    progress.started("running, on /repo")
    progress.look(())

    first, second = told
    assert first == f"run {WORKFLOW_ID}: running, on /repo"
    assert second.endswith("a request failed: rate_limited: slow down")


def test_call_that_failed_before_is_no_news() -> None:
    record_run(status="running", finished_at=None, result={})
    record_call(status="error", error_type="rate_limited", error="slow down")
    told: list[str] = []

    progress = LineProgress(Store(), WORKFLOW_ID, told.append)
    progress.started("running, on /repo")
    progress.look(())

    assert told == [f"run {WORKFLOW_ID}: running, on /repo"]
