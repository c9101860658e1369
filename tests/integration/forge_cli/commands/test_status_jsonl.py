"""``--jsonl`` prints documents as they are read, and never holds more than a few."""

import json
import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest
from forge_cli.app import call
from forge_obs import RunQuery, StoreReader
from forge_obs.model.rows import INTERACTIONS
from support.forge import Outcome, run_forge
from support.records import WORKFLOW_ID, record_call, record_run


def read_lines(outcome: Outcome) -> list[dict[str, Any]]:
    assert outcome.code == 0, outcome.stderr
    documents = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert all(document.pop("schema_version") == 1 for document in documents)
    return documents


def run(capsys: pytest.CaptureFixture[str], *args: str) -> Outcome:
    code = call(list(args))
    return Outcome(code, *capsys.readouterr())


def test_runs_are_one_document_a_line_newest_first(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        record_run(f"forge-t-0{number}")

    documents = read_lines(run(capsys, "status", "--jsonl", "--limit", "2"))

    assert [document["run"]["workflow_id"] for document in documents] == [
        "forge-t-02",
        "forge-t-01",
    ]


def test_run_comes_first_then_its_calls(capsys: pytest.CaptureFixture[str]) -> None:
    record_run()
    record_call(user_prompt="one")
    record_call(user_prompt="two", attempt=2)

    first, *calls = read_lines(run(capsys, "status", "--jsonl", "--workflow-id", WORKFLOW_ID))
    [chosen] = read_lines(
        run(
            capsys, "status", "--jsonl", "--verbose", "--workflow-id", WORKFLOW_ID, "--attempt", "2"
        )
    )[1:]

    assert first["run"]["calls"] == 2
    assert first["result"]["step_results"][0]["step_id"] == "a"
    assert [document["interaction"]["attempt"] for document in calls] == [1, 2]
    assert "user_prompt" not in calls[0]["interaction"]
    assert chosen["interaction"]["user_prompt"] == "two"


def test_unknown_run_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    record_run()

    assert run(capsys, "status", "--jsonl", "--workflow-id", "nobody").code == 1
    assert run(capsys, "status", "--jsonl", "--json").code == 2


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_batches_leave_out_nothing_and_repeat_nothing(batch: int) -> None:
    for number in range(5):
        record_run(f"forge-t-0{number}")
        record_call(attempt=number + 1)
    store = StoreReader.open(os.environ["FORGE_DB_PATH"])
    assert store is not None

    runs = [found.workflow_id for found in store.iterate_runs(RunQuery(), batch=batch)]
    calls = [found.attempt for found in store.iterate_interactions(WORKFLOW_ID, batch=batch)]

    assert runs == [f"forge-t-0{number}" for number in reversed(range(5))]
    assert calls == [1, 2, 3, 4, 5]


def test_calls_of_a_hundred_megabytes_need_little_memory() -> None:
    record_run()
    record_call(user_prompt="x" * 1_000_000)
    columns = ", ".join(column.name for column in INTERACTIONS if column.name != "entry_id")
    statement = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99) "
        "INSERT INTO interactions (COLUMNS, entry_id) "
        "SELECT COLUMNS, hex(randomblob(16)) FROM interactions, n"
    )
    with closing(sqlite3.connect(os.environ["FORGE_DB_PATH"])) as connection, connection:
        connection.execute(statement.replace("COLUMNS", columns))
    command = [sys.executable, "-m", "forge_cli", "status", "--jsonl", "--verbose"]

    lines = 0
    with subprocess.Popen(
        [*command, "--workflow-id", WORKFLOW_ID],
        stdout=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (200_000_000,) * 2),  # noqa: PLW1509
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            assert len(line) < 1_100_000
            lines += 1

    assert (process.returncode, lines) == (0, 101)


def test_reader_that_goes_away_ends_the_stream() -> None:
    record_run()
    for _ in range(3):
        record_call(user_prompt="x" * 1_000_000)
    command = [sys.executable, "-m", "forge_cli", "status", "--jsonl", "--verbose"]
    with subprocess.Popen(
        [*command, "--workflow-id", WORKFLOW_ID], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()

        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_store_that_is_off_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "")

    outcome = run_forge("status", "--jsonl")

    assert (outcome.code, outcome.stdout) == (0, "")
    assert "the store is off" in outcome.stderr
