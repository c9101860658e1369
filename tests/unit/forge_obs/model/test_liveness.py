"""Which status a reader shows."""

from datetime import UTC, datetime, timedelta

import pytest
from forge_obs.model.liveness import INTERRUPTED, shown_status
from forge_obs.model.rows import Run

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)


def owned(status: str = "running", *, host: str = "here", silent_s: float = 5.0) -> Run:
    return Run(
        status=status,
        owner_host=host,
        owner_pid=42,
        owner_start="boot:1",
        seen_at=NOW - timedelta(seconds=silent_s),
    )


def shown(run: Run, *, alive: bool = True) -> str:
    return shown_status(run, now=NOW, host="here", is_alive=lambda _pid, _start: alive)


@pytest.mark.parametrize("status", ["budget", "success", "failure_terminal", "cancelled", "error"])
def test_status_that_needs_no_process_is_shown_as_it_is(status: str) -> None:
    assert shown(owned(status, silent_s=1e6), alive=False) == status


def test_run_of_a_live_process_is_running() -> None:
    assert shown(owned()) == "running"


def test_run_of_a_dead_local_process_is_interrupted() -> None:
    assert shown(owned(), alive=False) == INTERRUPTED


def test_process_of_another_machine_is_judged_by_its_signs_of_life() -> None:
    assert shown(owned(host="there"), alive=False) == "running"
    assert shown(owned(host="there", silent_s=91), alive=False) == INTERRUPTED


def test_silent_run_is_interrupted_even_if_its_process_lives() -> None:
    assert shown(owned(silent_s=91)) == INTERRUPTED


def test_run_that_never_gave_a_sign_of_life_counts_from_its_start() -> None:
    assert shown(Run(status="running", created_at=NOW)) == "running"
    assert shown(Run(status="running", created_at=NOW - timedelta(hours=1))) == INTERRUPTED
