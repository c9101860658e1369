"""No command imports what it does not use: the interpreter's own report says what was."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from forge_cli.store.prices import load_prices
from forge_obs import Interaction
from support.records import STATS, WORKFLOW_ID, record_call, record_run

SERVERS = ("temporalio", "pydantic_ai", "pydantic", "opentelemetry")
WRITERS = (
    "alembic",
    "sqlalchemy.orm",
    "forge_obs.database.orm",
    "forge_obs.database.schema",
    "forge_obs.database.writer",
)
DETAILS = ("genai_prices", "forge_cli.render.runs.run_tree", "forge_cli.render.live", "difflib")


def list_imports(*args: str) -> set[str]:
    """Run a command and list the modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "forge_cli", *args],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    assert lines
    return {line.rsplit("|", 1)[1].strip() for line in lines}


@pytest.fixture
def entry_id() -> str:
    record_run()
    record_call()
    with closing(sqlite3.connect(os.environ["FORGE_DB_PATH"])) as connection:
        return str(connection.execute("SELECT entry_id FROM interactions").fetchone()[0])


@pytest.fixture
def known_prices(entry_id: str) -> None:  # noqa: ARG001 - of its model
    """Keep the prices of the recorded call's model, as the first command does."""
    load_prices([Interaction(model_name=STATS.model_name)])


@pytest.mark.parametrize(
    ("args", "unused"),
    [
        pytest.param(["--help"], ("sqlalchemy", "forge_obs.recorder", "orjson"), id="help"),
        pytest.param(["db", "path"], DETAILS, id="db path"),
        pytest.param(["status"], (*DETAILS, "forge_cli.render.json_documents"), id="status"),
        pytest.param(["status", "--json"], DETAILS, id="status json"),
    ],
)
@pytest.mark.usefixtures("known_prices")
def test_command_imports_nothing_that_it_does_not_use(
    args: list[str], unused: tuple[str, ...]
) -> None:
    imported = list_imports(*args)

    assert "forge_cli.app" in imported
    assert not imported & {*SERVERS, *WRITERS, *unused}


def test_prices_cost_no_import_once_they_are_known(entry_id: str) -> None:
    first = list_imports("status", "--workflow-id", WORKFLOW_ID)
    again = list_imports("status", "--workflow-id", WORKFLOW_ID, "--verbose")
    shown = list_imports("show", entry_id[:8])

    assert "genai_prices" in first
    for imported in (again, shown):
        assert not imported & {*SERVERS, *WRITERS, "genai_prices", "forge_cli.render.live"}


@pytest.mark.usefixtures("known_prices")
def test_comparing_answers_takes_no_models_of_the_engine() -> None:
    answer = '{"files": [{"file_path": "a.py", "content": "x"}]}'
    record_call(entry_id="a" * 32, response=answer)
    record_call(entry_id="b" * 32, response=answer.replace("x", "y"))

    imported = list_imports("diff", "a" * 32, "b" * 32)

    assert "forge_cli.render.comparison.calls" in imported
    assert not imported & {*SERVERS, *WRITERS, "genai_prices", "forge_cli.render.comparison.runs"}
