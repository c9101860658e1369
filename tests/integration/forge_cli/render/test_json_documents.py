"""Real output of every command with ``--json`` is what the published schema says."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from forge_cli.app import call
from forge_cli.render.outcome import CancelledRun, build_cancelled
from forge_cli.views.json_text import dump
from forge_core.models.call.context import ContextEntry, ContextStats
from jsonschema import ValidationError
from support.documents import SCHEMA, validate, validate_part
from support.forge import run_forge
from support.records import WORKFLOW_ID, record_call, record_run

Print = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Print:
    """Run commands in this process and read the documents that they print."""

    def run(*args: str) -> list[dict[str, Any]]:
        call(list(args))
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def record_some() -> None:
    record_run(status="running", finished_at=None, result={"task_id": "t", "status": "running"})
    record_call(params={"max_tokens": 9}, context_manifest=[{"path": "a.py"}])
    record_call(status="started", stats=None, response=None, attempt=2)
    record_call(role="planner", step_id=None, origin="scripted", stats=None)
    record_run("forge-other-01", task_id="other")
    record_call("forge-other-01", step_id="b")
    record_run("forge-broken-01")
    with closing(sqlite3.connect(os.environ["FORGE_DB_PATH"])) as connection, connection:
        connection.execute(
            "UPDATE runs SET created_at = 'never', result_json = '{' "
            "WHERE workflow_id = 'forge-broken-01'"
        )


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("run_list", ["status", "--json"]),
        ("run_status", ["status", "--json", "--workflow-id", WORKFLOW_ID]),
        ("run_status", ["status", "--json", "--workflow-id", WORKFLOW_ID, "--verbose"]),
        ("run_status", ["status", "--json", "--workflow-id", "forge-broken-01"]),
        ("run_line", ["status", "--jsonl"]),
        ("interaction", ["show", "1", "--json"]),
        ("call_comparison", ["diff", WORKFLOW_ID, "--json"]),
        ("call_comparison", ["diff", "1", "3", "--json"]),
        ("run_comparison", ["diff", WORKFLOW_ID, "forge-other-01", "--json"]),
        ("store_path", ["db", "path", "--json"]),
        ("store_check", ["db", "check", "--json"]),
        ("store_pruned", ["db", "prune", "--older-than", "30d", "--json"]),
        ("store_pruned", ["db", "prune", "--older-than", "2100-01-01", "--dry-run", "--json"]),
        ("store_pruned", ["db", "prune", "--older-than", "2100-01-01", "--yes", "--json"]),
        ("store_backup", ["db", "backup", "copy.db", "--json"]),
        ("failure", ["status", "--json", "--workflow-id", "nobody"]),
        ("failure", ["show", "0000", "--json"]),
        ("failure", ["status", "--json", "--limit", "none"]),
        ("configuration", ["config", "--json"]),
        ("diagnosis", ["doctor", "--json"]),
        ("server_status", ["server", "status", "--json"]),
        ("server_stopped", ["server", "stop", "--json"]),
    ],
    ids=str,
)
def test_document_is_what_its_schema_says(
    printed: Print,
    name: str,
    args: list[str],
    private_environment: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(private_environment)
    record_some()

    documents = printed(*args)

    assert documents
    for document in documents:
        validate(name, document)


def test_path_of_a_store_that_is_off_is_null(
    printed: Print, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "")

    [document] = printed("db", "path", "--json")

    validate("store_path", document)
    assert document["path"] is None


@pytest.mark.parametrize(
    "left", [{}, {"branch": "forge/t", "worktree": "/r/.forge-worktrees/t"}], ids=["none", "all"]
)
def test_document_of_a_cancelled_run_is_what_its_schema_says(left: dict[str, str]) -> None:
    document = build_cancelled(CancelledRun("forge-t-0123abcd", "t", "/r", **left))

    validate("run_cancelled", json.loads(dump(document)))


def test_context_that_is_recorded_is_what_the_schema_says(printed: Print) -> None:
    part = ContextEntry(kind="target_file", name="a.py", form="full", tokens=3, reason="named")
    record_run()
    record_call(context_manifest=[part.model_dump()], context_stats=ContextStats().model_dump())

    [document] = printed("show", "1", "--json")

    call_shown = document["interaction"]
    validate_part("ContextStats", call_shown["context_stats"])
    [shown] = call_shown["context_manifest"]
    validate_part("ContextEntry", shown)
    with pytest.raises(ValidationError, match="surprise"):
        validate_part("ContextEntry", {**shown, "surprise": 1})


@pytest.mark.parametrize("key", ["context_manifest", "context_stats"])
def test_columns_of_json_that_forge_fills_have_a_type(key: str) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]["interaction"]

    assert "$defs" in json.dumps(schema["properties"][key])


def test_lines_of_a_run_and_of_an_export_are_what_their_schemas_say(printed: Print) -> None:
    record_some()

    first, *calls = printed("status", "--jsonl", "--workflow-id", WORKFLOW_ID, "--verbose")
    rows = printed("db", "export", "--jsonl")

    validate("run_line", first)
    assert len(calls) == 3
    for document in calls:
        validate("interaction", document)
    assert {row["table"] for row in rows} == {"runs", "interactions"}
    for row in rows:
        validate(f"{row['table']}_row", row)


def test_outcome_of_a_run_is_what_its_schema_says(tmp_path: Path) -> None:
    outcome = run_forge("run", "x", "--json", "--repo", str(tmp_path), "--model", "scripted:none")

    validate("failure", outcome.document)


def test_key_that_is_not_described_is_noticed(printed: Print) -> None:
    [document] = printed("status", "--json")

    with pytest.raises(ValidationError, match="surprise"):
        validate("run_list", {**document, "surprise": 1})


def test_schema_is_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, SCHEMA.parents[1] / "generate_json_schema.py", "--check"],
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr.decode()
