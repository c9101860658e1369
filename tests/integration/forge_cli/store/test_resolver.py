"""Runs and calls are found in the store by whatever they are called by."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from forge_cli.app import call
from forge_cli.errors import AmbiguousName, UnknownInteraction, UnknownWorkflow
from forge_cli.store.queries import Store
from forge_cli.store.resolver import find_call, find_run, find_run_to_change
from forge_obs import get_db_path
from support.records import record_call, record_run
from support.revisions import make_store

OLD, NEW = "forge-dates-7f3a-0a1b2c3d", "forge-dates-7f3a-99887766"
RETRY = "forge-retry-7f3b-deadbeef"


@pytest.fixture
def store(private_environment: Path) -> Store:  # noqa: ARG001 - where the store is
    record_run(OLD, task_id="dates-7f3a", status="budget", finished_at=None)
    record_run(NEW, task_id="dates-7f3a")
    record_run(RETRY, task_id="retry-7f3b", status="error")
    return Store()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (OLD, OLD),
        ("dates-7f3a", NEW),
        ("dates", NEW),
        ("7f3a", NEW),
        ("0a1b2c3d", OLD),
        ("forge/retry-7f3b", RETRY),
        ("@last", RETRY),
        (f"{OLD}/step/1/sub", OLD),
        ("unknown", "unknown"),
        ("\udcff", "\udcff"),
    ],
)
def test_run_is_found_by_its_names(store: Store, name: str, expected: str) -> None:
    assert find_run(store, name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [(NEW, NEW), ("dates-7f3a", OLD), ("dates", OLD), ("retry", RETRY), ("unknown", "unknown")],
)
def test_run_to_change_is_the_one_of_its_task_that_has_not_ended(
    store: Store, name: str, expected: str
) -> None:
    assert find_run_to_change(store, name) == expected


def test_name_that_fits_several_tasks_is_refused_with_them(store: Store) -> None:
    record_run("forge-dates-2222-11112222", task_id="dates-2222", status="cancelled")

    for find in (find_run, find_run_to_change):
        with pytest.raises(AmbiguousName) as refused:
            find(store, "dates")
        assert str(refused.value) == (
            f"'dates' fits several runs: forge-dates-2222-11112222 (cancelled), {NEW} (success)"
        )


def test_task_with_two_runs_that_have_not_ended_is_changed_by_none_of_its_names(
    store: Store,
) -> None:
    record_run("forge-dates-7f3a-33334444", task_id="dates-7f3a", status="budget", finished_at=None)

    with pytest.raises(AmbiguousName, match="fits several runs"):
        find_run_to_change(store, "dates-7f3a")
    assert find_run_to_change(store, OLD) == OLD


def test_five_of_many_are_named(store: Store) -> None:
    for number in range(8):
        record_run(f"forge-many-{number}-00000000", task_id=f"many-{number}")

    with pytest.raises(AmbiguousName) as refused:
        find_run(store, "many")
    assert str(refused.value).count("forge-many-") == 5
    assert str(refused.value).endswith(", and others")


def test_nothing_is_the_last_of_an_empty_store(private_environment: Path) -> None:  # noqa: ARG001
    for find in (find_run, find_run_to_change):
        with pytest.raises(UnknownWorkflow, match="no run is the last: no runs recorded yet"):
            find(Store(), "@last")


def test_damaged_store_leaves_a_whole_name_to_the_server(private_environment: Path) -> None:  # noqa: ARG001
    path = get_db_path()
    assert path is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"no database" * 1000)

    assert find_run_to_change(Store(), NEW) == NEW


@pytest.mark.parametrize("revision", ["001_initial", "002_newest_runs"])
def test_runs_of_older_stores_are_found(private_environment: Path, revision: str) -> None:  # noqa: ARG001
    path = get_db_path()
    assert path is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    make_store(path, revision)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO runs (task_id, workflow_id, status, created_at, result_json) "
            "VALUES ('dates-7f3a', ?, 'success', '2026-11-01T00:00:00.000000Z', '{}')",
            (OLD,),
        )
    path.chmod(0o400)

    assert find_run(Store(), "0a1b2c3d") == OLD
    assert find_run(Store(), "dates") == OLD


def test_runs_that_have_not_ended_are_proposed_where_none_is_named(
    store: Store,  # noqa: ARG001 - holds them
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(["resume"]) == 2

    error = "error: which run? forge resume RUN, for example dates-7f3a; `forge status` lists them"
    assert capsys.readouterr().err == f"{error}\n"


def test_call_is_found_by_its_digits_its_row_or_its_place_in_a_run(store: Store) -> None:
    for prompt in ("first", "second"):
        record_call(RETRY, task_id="retry-7f3b", user_prompt=prompt)
    record_call(OLD, task_id="dates-7f3a", user_prompt="third")
    second = store.get_call("2").entry_id
    assert second is not None

    assert find_call(store, second[:8]).user_prompt == "second"
    assert find_call(store, "retry", 2).user_prompt == "second"
    assert find_call(store, "@last", 1).user_prompt == "first"
    assert find_call(store, "@last").user_prompt == "second"
    assert find_call(store, "3").user_prompt == "third"
    other = "0" if second[7] != "0" else "1"
    with pytest.raises(UnknownInteraction, match=f"near it are {second}"):
        find_call(store, second[:7] + other)
    with pytest.raises(UnknownInteraction, match=f"run {RETRY} has 2 calls on record"):
        find_call(store, "retry", 3)
    with pytest.raises(UnknownInteraction, match=f"'retry' is a run: forge status {RETRY}"):
        find_call(store, "retry")
    with pytest.raises(UnknownWorkflow, match="no run 'nothing' is on record"):
        find_call(store, "nothing", 1)
