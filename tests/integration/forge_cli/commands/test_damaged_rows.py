"""No column of a store is trusted: whatever one holds, every command shows what it can."""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from forge_core.git.commits.trailers import CommitTrailers, build_message
from forge_obs import flush, record
from forge_obs.model.rows import FACTS, INTERACTIONS, RUNS
from support.documents import validate
from support.forge import Forge
from support.records import WORKFLOW_ID, record_call, record_run
from support.repository import commit_all, make_repository

VALUES = {
    "blob": "x'00ff'",
    "text": "'nothing of the kind'",
    "negative": "-7",
    "infinite": "9e999",
    "empty": "''",
    "no date": "20261301",
}

IDENTITIES = {"workflow_id", "entry_id"}
"""Without them a row is another one's."""

CALL_COLUMNS = [
    *(("interactions", "id", column.name) for column in INTERACTIONS),
    *(("call_facts", "interaction_id", column.name) for column in FACTS),
]
RUN_COLUMNS = [("runs", "id", column.name) for column in RUNS]

COMMANDS = (
    ("stats",),
    *(("stats", "--by", by) for by in ("day", "model", "role", "task", "outcome", "check")),
    ("calls",),
    ("calls", "brief"),
    ("calls", "--json"),
    ("status",),
    ("status", WORKFLOW_ID),
    ("status", WORKFLOW_ID, "--json"),
    ("show", WORKFLOW_ID, "2"),
    ("analyze", WORKFLOW_ID),
    ("diff", WORKFLOW_ID, "forge-other-01"),
    ("blame", "parse.py"),
    ("blame", "--commit", "HEAD", "--json"),
    ("report", WORKFLOW_ID, "-o", "run.html"),
    ("db", "export", "--run", WORKFLOW_ID, "--to", "part.db"),
    ("db", "export", "--csv", "csv"),
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Record a run with a call for each column, and a run for each of theirs, once."""
    path = tmp_path_factory.mktemp("damaged") / "forge.db"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FORGE_DB_PATH", str(path))
        record_run(WORKFLOW_ID)
        for number in range(len(CALL_COLUMNS)):
            record_usual_call(WORKFLOW_ID, number)
        for number in range(1, len(RUN_COLUMNS)):
            record_run(f"forge-other-{number:02}")
        record_usual_call("forge-other-01", 0)
        flush()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    return path.read_bytes()


def name_call(workflow_id: str, number: int) -> str:
    return f"{workflow_id}-{number}"


def record_usual_call(workflow_id: str, number: int) -> None:
    entry_id = name_call(workflow_id, number)
    usage = {"input_tokens": 4120, "output_tokens": 45}
    record_call(workflow_id, entry_id=entry_id, seq=number, usage=usage, system_prompt="Be brief.")
    failed = [{"check_name": "tests", "passed": False}]
    assert record("outcome", entry_id=entry_id, outcome="refused", failed_checks=failed)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository with a file of a person, and one that each of these calls may have made."""
    repo = make_repository(tmp_path_factory.mktemp("blamed") / "repo", {"README.md": "# Work\n"})
    calls = tuple(name_call(WORKFLOW_ID, number) for number in range(len(CALL_COLUMNS)))
    message = build_message("a: Write", CommitTrailers(WORKFLOW_ID, "a", 1, calls))
    commit_all(repo, {"parse.py": "P = 1\n"}, message)
    return repo


@pytest.fixture
def store(sound: bytes, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a copy of that store where commands look for one, and let them write in a repository."""
    path = tmp_path / "forge.db"
    path.write_bytes(sound)
    monkeypatch.setenv("FORGE_DB_PATH", str(path))
    monkeypatch.chdir(shutil.copytree(repo, tmp_path / "repo", symlinks=True))
    return path


def damage(path: Path, columns: Sequence[tuple[str, str, str]], value: str) -> None:
    """Write a value into one column of each row, into another in the next."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for number, (table, key, column) in enumerate(columns, start=1):
            if column not in IDENTITIES:
                update = f"UPDATE {table} SET {column} = {value} WHERE {key} = {number}"  # noqa: S608
                connection.execute(update)


@pytest.mark.parametrize("kind", VALUES)
def test_no_command_is_ended_by_what_a_column_holds(kind: str, store: Path, forge: Forge) -> None:
    damage(store, CALL_COLUMNS, VALUES[kind])

    outcomes = {command: forge(*command) for command in COMMANDS}

    assert not {c: (o.code, o.stderr) for c, o in outcomes.items() if o.code != 0}


@pytest.mark.parametrize("kind", ["blob", "text", "negative"])
def test_no_command_is_ended_by_what_a_run_holds(kind: str, store: Path, forge: Forge) -> None:
    damage(store, RUN_COLUMNS, VALUES[kind])
    runs = [WORKFLOW_ID, *(f"forge-other-{number:02}" for number in range(1, len(RUN_COLUMNS)))]

    whole = [("status",), ("stats", "--by", "task"), ("blame", "README.md"), ("blame", "parse.py")]
    outcomes = {command: forge(*command) for command in whole}
    for place, run in enumerate(runs):
        command = (("status", run), ("status", run, "--json"), ("diff", run, runs[0]))[place % 3]
        outcomes[command] = forge(*command)

    assert not {c: (o.code, o.stderr) for c, o in outcomes.items() if o.code not in {0, 1}}


@pytest.mark.parametrize("kind", VALUES)
def test_sums_are_those_of_the_calls_as_they_are_listed(
    kind: str, store: Path, forge: Forge
) -> None:
    damage(store, CALL_COLUMNS, VALUES[kind])

    calls = forge("calls", "--json", "--limit", "1000").document["calls"]
    outcome = forge("stats", "--json")

    total = outcome.document["total"]
    paid = [c for c in calls if c["origin"] == "provider" and c["usage_known"]]
    assert total["calls"] == len(calls)
    for name in ("input_tokens", "output_tokens", "cache_read_tokens"):
        assert total[name] == sum(call[name] for call in paid if call["status"] != "started")
    assert outcome.document["calls_damaged"] > 0
    assert "what cannot be read counts as nothing" in outcome.stderr
    validate("statistics", outcome.document)
