"""What runs are called by, and which of them a name fits."""

from dataclasses import dataclass

import pytest
from forge_cli.store.names import choose_runs, fits_one_task, list_near


@dataclass(frozen=True)
class Run:
    workflow_id: str | None
    task_id: str


NEW = Run("forge-dates-7f3a-99887766", "dates-7f3a")
OLD = Run("forge-dates-7f3a-0a1b2c3d", "dates-7f3a")
RETRY = Run("forge-retry-7f3b-deadbeef", "retry-7f3b")
SHORT = Run("forge-dates-11112222", "dates")
FOREIGN = Run("team/wf-1", "dates-of-others")
LEFT = Run(None, "nobody")
RUNS = [NEW, OLD, RETRY, FOREIGN, LEFT]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("forge-dates-7f3a-0a1b2c3d", [OLD], id="workflow id"),
        pytest.param("team/wf-1", [FOREIGN], id="workflow id of another program"),
        pytest.param("dates-7f3a", [NEW, OLD], id="task id"),
        pytest.param("forge/dates-7f3a", [NEW, OLD], id="branch"),
        pytest.param("retry", [RETRY], id="beginning of a task id"),
        pytest.param("7f3b", [RETRY], id="end of a task id"),
        pytest.param("deadbeef", [RETRY], id="end of a workflow id"),
        pytest.param("forge-dates-7f3a-9", [NEW], id="beginning of a workflow id"),
        pytest.param("dates", [NEW, OLD, FOREIGN], id="beginning of several"),
        pytest.param("nobody", [LEFT], id="claim is gone"),
        pytest.param("etr", [], id="neither beginning nor end"),
        pytest.param("re", [], id="too short"),
        pytest.param("forge", [], id="what all begin with"),
        pytest.param("forge-", [], id="what all begin with, whole"),
        pytest.param("RETRY", [], id="upper case"),
    ],
)
def test_name_fits(name: str, expected: list[Run]) -> None:
    assert choose_runs(name, RUNS) == expected


def test_whole_id_goes_before_the_beginnings_of_others() -> None:
    assert choose_runs("dates", [NEW, SHORT]) == [SHORT]


def test_runs_of_one_task_are_told_from_those_of_several() -> None:
    assert fits_one_task([NEW, OLD])
    assert not fits_one_task([NEW, FOREIGN])
    assert not fits_one_task([])


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("etr", RETRY),
        ("deadbeer", RETRY),
        ("rettry-7f3b", RETRY),
        ("forge-retry-7f3b-deadbeee", RETRY),
        ("wf-1", FOREIGN),
    ],
)
def test_names_near_an_unknown_one_are_proposed(name: str, nearest: Run) -> None:
    names = [(run.workflow_id or "", run.task_id) for run in RUNS]

    assert list_near(name, names)[0] == nearest.workflow_id


def test_at_most_five_names_are_proposed() -> None:
    names = [(f"forge-dates-{number:04}", f"dates-{number:04}") for number in range(9)]

    assert len(list_near("dates", names)) == 5
    assert list_near("zzz", names) == []
    assert list_near("", names) == []
    assert list_near("da", names) == [f"forge-dates-000{number}" for number in range(5)]
