"""A fork meets threads that read, import or hold a transaction: nothing hangs, nothing is lost."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from forge_obs import (
    StoreReader,
    flush,
    get_backlog,
    get_engine,
    get_interactions,
    get_run,
    open_reader,
    record,
    upgrade,
)
from forge_obs.database import connections
from sqlalchemy import Engine
from support.children import run_in_child
from support.store import eventually, interaction

IMPORTING = """
import os, sys, threading
from forge_obs import fork_lock, record

patient = sys.argv[1] == "patient"
fork_lock._WAIT_S = 60.0 if patient else 0.1

def slow(event, args):
    if event == "exec" and args[0].co_filename.endswith("database/writer.py"):
        begun.set()
        ended.wait(0.5 if patient else 60)

begun, ended = threading.Event(), threading.Event()
sys.addaudithook(slow)
call = {"task_id": "t", "role": "llm", "system_prompt": "s", "user_prompt": "u"}
thread = threading.Thread(target=lambda: record("interaction", **call))
thread.start()
begun.wait(10)
child = os.fork()
if child == 0:
    os._exit(0 if record("interaction", **call) else 1)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
ended.set()
thread.join()
sys.exit(code)
"""


@pytest.fixture
def db(private_environment: Path) -> Path:
    assert interaction(task_id="before", workflow_id="w")
    assert record("run", task_id="t", workflow_id="w", status="success")
    return private_environment / "forge.db"


def reader(path: Path) -> Engine:
    found = open_reader(path)
    assert found is not None
    return found


def stored_tasks(path: Path) -> list[str]:
    return sorted(row.task_id for row in get_interactions(reader(path)))


def test_file_that_is_being_read_during_a_fork_is_left_to_the_parent(db: Path) -> None:
    reading = StoreReader(reader(db)).iterate_call_figures(["w"])
    next(reading)

    assert run_in_child(lambda: not interaction(task_id="child"))
    assert get_backlog(db).pending == 1
    del reading
    assert eventually(lambda: interaction(task_id="parent"))

    flush()
    assert stored_tasks(db) == ["before", "child", "parent"]


def test_child_closes_nothing_of_its_parent(db: Path) -> None:
    readings = [StoreReader(reader(db)).iterate_call_figures(["w"])]
    next(readings[0])

    def close_and_record() -> bool:
        readings.clear()
        [inherited] = connections._inherited
        inherited.execute("SELECT 1")  # raises if it was closed
        return not interaction(task_id="child")

    assert run_in_child(close_and_record)

    assert list(readings[0]) == []
    assert get_backlog(db).pending == 1


def test_file_in_a_transaction_during_a_fork_is_left_to_the_parent(db: Path) -> None:
    with get_engine(db).begin():
        assert run_in_child(lambda: not interaction(task_id="child"))

    assert eventually(lambda: interaction(task_id="parent"))
    assert stored_tasks(db) == ["before", "child", "parent"]


def test_fork_waits_for_short_reads_of_other_threads(db: Path) -> None:
    stop = threading.Event()
    engine = reader(db)

    def read() -> None:
        while not stop.is_set():
            get_run(engine, "w")

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    outcomes = [run_in_child(lambda: interaction(task_id="child")) for _ in range(5)]
    stop.set()
    for thread in threads:
        thread.join(timeout=30)

    assert outcomes == [True] * 5
    assert stored_tasks(db) == ["before", *["child"] * 5]


def test_reads_may_begin_while_another_one_goes_on(db: Path) -> None:
    engine = reader(db)
    found: list[object] = []

    def read() -> None:
        calls = StoreReader(engine).iterate_call_figures(["w"])
        found.extend(get_run(engine, str(call.workflow_id)) for call in calls)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(timeout=30)

    assert len(found) == 1


@pytest.mark.parametrize("patience", ["patient", "impatient"])
def test_child_of_a_fork_during_the_first_import_records(
    private_environment: Path, patience: str
) -> None:
    db = private_environment / "new.db"
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING, patience],
        env={**os.environ, "FORGE_DB_PATH": str(db)},
        timeout=60,
        check=False,
    )
    upgrade(db)

    # A child that can never import what it needs keeps its entry beside the database.
    assert done.returncode == (0 if patience == "patient" else 1)
    assert len(stored_tasks(db)) == 2
