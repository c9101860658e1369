"""What is known of a call besides its row, and what became of its answer."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from forge_obs import (
    Interaction,
    flush,
    get_backlog,
    get_engine,
    get_interactions,
    get_run,
    open_reader,
    record,
    save_interaction,
    set_redact,
    store,
    upgrade,
)
from forge_obs.database.rows.facts import KEPT_DAYS
from forge_obs.model.columns import REVISIONS
from forge_obs.model.rows import FACTS
from sqlalchemy import select
from sqlalchemy.orm import Session
from support.revisions import make_store
from support.store import interaction, locked

# Tests pass what no type checker would let through.
untyped: Any = record

FACT = {
    "usage": {"prompt_tokens": 7},
    "service_tier": "flex",
    "stated_cost_usd": 0.25,
    "first_token_ms": 12.5,
    "response_id": "chatcmpl-1",
    "request_id": "req-1",
    "session_id": "s-1",
    "root_run_id": "r-1",
    "parent_span_id": "00f067aa0ba902b7",
}


@pytest.fixture
def db(private_environment: Path) -> Path:
    return private_environment / "forge.db"


def rows(db: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(db)) as connection:
        return connection.execute(statement).fetchall()


def stored(db: Path, **where: Any) -> list[Interaction]:
    reader = open_reader(db)
    assert reader is not None
    return get_interactions(reader, **where)


def test_facts_come_back_with_the_call(db: Path) -> None:
    messages = {"input": [{"role": "user", "parts": []}], "output": [], "tools": []}

    assert interaction(messages=messages, **FACT)

    [call] = stored(db)
    assert call.usage_json == '{"prompt_tokens":7}'
    assert call.messages_json is not None
    assert call.messages_json.startswith('{"input":')
    given = {name: value for name, value in FACT.items() if name != "usage"}
    assert {name: getattr(call, name) for name in given} == given
    assert (call.notes, call.extra_json, call.broken) == (None, None, None)


def test_call_without_facts_has_no_row_of_them(db: Path) -> None:
    assert interaction()

    assert rows(db, "SELECT count(*) FROM call_facts") == [(0,)]


def test_facts_merge_by_key_as_the_row_does(db: Path) -> None:
    key = {"run_id": "r", "activity_id": "5", "activity_attempt": 1}

    assert interaction(**key, status="started", root_run_id="r-1", session_id="s-1")
    assert interaction(**key, response_id="a", service_tier="flex")
    assert interaction(**key, status="started", response_id="b", request_id="q")

    [call] = stored(db)
    assert (call.root_run_id, call.session_id, call.service_tier) == ("r-1", "s-1", "flex")
    assert (call.response_id, call.request_id) == ("a", "q")


@pytest.mark.parametrize("value", [-1, float("nan"), "soon", [1]])
def test_figure_that_is_none_is_left_out_and_noted(db: Path, value: object) -> None:
    assert interaction(first_token_ms=value, stated_cost_usd=0.5)

    [call] = stored(db)
    assert (call.first_token_ms, call.stated_cost_usd) == (None, 0.5)
    assert call.notes == "first_token_ms: no such figure, left out"


def test_redaction_hook_sees_the_facts(db: Path) -> None:
    set_redact(lambda text: text.replace("sk-1", "***"))
    try:
        interaction(entry_id="e", usage={"note": "sk-1"}, messages={"input": "sk-1"})
        record("outcome", entry_id="e", outcome="refused", reason="sk-1", failed_checks=["sk-1"])
    finally:
        set_redact(None)

    [call] = stored(db)
    assert call.usage_json == '{"note":"***"}'
    assert call.messages_json is not None
    assert "***" in call.messages_json
    assert "sk-1" not in call.messages_json + call.user_prompt
    assert (call.outcome_reason, call.failed_checks_json) == ("***", '["***"]')


def test_outcome_is_added_to_its_call(db: Path) -> None:
    assert interaction(entry_id="e", response="x")
    assert record(
        "outcome",
        entry_id="e",
        outcome="refused",
        reason="lint: unused import",
        failed_checks=[{"check_name": "lint"}],
    )

    [call] = stored(db)
    assert (call.outcome, call.outcome_reason) == ("refused", "lint: unused import")
    assert call.failed_checks_json == '[{"check_name":"lint"}]'


def test_outcome_twice_is_one(db: Path) -> None:
    interaction(entry_id="e")
    for _ in range(2):
        assert record("outcome", entry_id="e", outcome="accepted", commit_sha="abc")
    assert record("outcome", entry_id="e", outcome="accepted")

    [call] = stored(db)
    assert (call.outcome, call.commit_sha) == ("accepted", "abc")
    assert rows(db, "SELECT count(*) FROM call_facts") == [(1,)]


def test_reasons_of_another_outcome_go_with_it(db: Path) -> None:
    interaction(entry_id="e")
    record("outcome", entry_id="e", outcome="refused", reason="lint", failed_checks=["lint"])
    record("outcome", entry_id="e", outcome="accepted", commit_sha="abc")

    [call] = stored(db)
    assert (call.outcome, call.commit_sha) == ("accepted", "abc")
    assert (call.outcome_reason, call.failed_checks_json) == (None, None)


def test_outcome_that_comes_before_its_call_waits_for_it(db: Path) -> None:
    assert record("outcome", entry_id="e", outcome="unusable", reason="no files")
    assert rows(db, "SELECT count(*) FROM interactions") == [(0,)]
    assert interaction(entry_id="other")
    assert interaction(entry_id="e", status="started")
    assert record("outcome", entry_id="e", outcome="accepted")
    assert interaction(entry_id="e")

    calls = {call.entry_id: call for call in stored(db)}
    assert (calls["e"].outcome, calls["e"].outcome_reason) == ("accepted", None)
    assert calls["other"].outcome is None
    assert rows(db, "SELECT count(*) FROM early_outcomes") == [(0,)]


def test_outcome_that_no_call_comes_for_is_forgotten(db: Path) -> None:
    assert record("outcome", entry_id="old", outcome="accepted")
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute(
            "UPDATE early_outcomes SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?)",
            (f"-{KEPT_DAYS + 1} days",),
        )
    assert record("outcome", entry_id="new", outcome="accepted")

    assert rows(db, "SELECT entry_id FROM early_outcomes") == [("new",)]


def test_outcome_of_no_call_is_not_stored(db: Path) -> None:
    upgrade(db)

    assert not untyped("outcome", outcome="accepted")
    assert not untyped("outcome", entry_id="", outcome="accepted")
    assert rows(db, "SELECT count(*) FROM early_outcomes") == [(0,)]
    assert get_backlog(db).lost == 2


def test_call_and_outcome_wait_in_the_spool_together(db: Path) -> None:
    upgrade(db)
    with locked(db):
        assert not interaction(entry_id="e", root_run_id="r-1", messages={"input": []})
        assert not record("outcome", entry_id="e", outcome="accepted", commit_sha="abc")
        assert get_backlog(db).pending == 2
    upgrade(db)

    [call] = stored(db)
    assert (call.outcome, call.commit_sha, call.root_run_id) == ("accepted", "abc", "r-1")
    assert call.messages_json == '{"input":[]}'
    assert get_backlog(db).pending == 0


def test_facts_go_with_their_call(db: Path) -> None:
    interaction(entry_id="e", session_id="s")
    flush()
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("DELETE FROM interactions")
    assert interaction(entry_id="f")

    [call] = stored(db)
    assert (call.id, call.entry_id, call.session_id) == (1, "f", None)


def test_mapped_class_reads_the_facts(db: Path) -> None:
    interaction(entry_id="e", session_id="s")
    record("outcome", entry_id="e", outcome="accepted")
    Mapped: Any = getattr(store, "Interaction")  # noqa: B009, N806 - mapped when it is asked for

    with Session(get_engine(db)) as session:
        call = session.scalars(select(Mapped).where(Mapped.outcome == "accepted")).one()

    assert (call.entry_id, call.session_id, call.request_id) == ("e", "s", None)


def test_saved_row_may_have_facts(db: Path) -> None:
    upgrade(db)
    save_interaction(get_engine(db), task_id="t", role="llm", session_id="s", outcome="refused")

    [call] = stored(db)
    assert (call.session_id, call.outcome) == ("s", "refused")


def test_two_runs_of_a_workflow_are_never_mixed(db: Path) -> None:
    for run_id in ("r-1", "r-2"):
        record("run", task_id="t", workflow_id="w", run_id=run_id, status="success")
        interaction(workflow_id="w", run_id=run_id, root_run_id=run_id, response="root")
        interaction(workflow_id="w", run_id=f"child-{run_id}", root_run_id=run_id, response="sub")
    interaction(workflow_id="w", run_id="r-1", response="old")
    interaction(workflow_id="w", run_id="child", response="nobody's")

    first = [call.response for call in stored(db, workflow_id="w", run_id="r-1")]
    second = [call.response for call in stored(db, workflow_id="w", run_id="r-2")]
    assert (first, second) == (["root", "sub", "old"], ["root", "sub"])
    assert len(stored(db, workflow_id="w")) == 6


def test_calls_of_before_belong_to_the_only_run(db: Path) -> None:
    record("run", task_id="t", workflow_id="w", run_id="r-1", status="success")
    interaction(workflow_id="w", run_id="child", response="old")

    assert [call.response for call in stored(db, workflow_id="w", run_id="r-1")] == ["old"]


def test_run_keeps_what_it_was_started_with(db: Path) -> None:
    asked = {"description": "Tidy", "base_commit": "abc", "branch": "forge/t"}
    untyped("run", task_id="t", workflow_id="w", status="running", request={"n": 1}, **asked)
    record("run", task_id="t", workflow_id="w", status="error", reason="no such commit")

    run = get_run(get_engine(db), "w")
    assert run is not None
    assert {name: getattr(run, name) for name in asked} == asked
    assert (run.request_json, run.reason) == ('{"n":1}', "no such commit")


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_older_store_is_read_without_facts(tmp_path: Path, revision: str) -> None:
    make_store(tmp_path / "old.db", revision)
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection, connection:
        connection.execute(
            "INSERT INTO interactions (task_id, role, model_name, input_tokens, output_tokens,"
            " latency_ms, system_prompt, user_prompt, workflow_id, run_id)"
            " VALUES ('t', 'llm', 'm', 1, 1, 1.0, 's', 'u', 'w', 'r')"
        )

    [call] = stored(tmp_path / "old.db", workflow_id="w", run_id="r")

    assert {getattr(call, column.name) for column in FACTS} == {None}


def test_damaged_facts_hide_no_call(db: Path) -> None:
    interaction(entry_id="e", session_id="s", response="kept")
    flush()
    with closing(sqlite3.connect(db)) as connection, connection:
        [(root,)] = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'call_facts'"
        ).fetchall()
        [(size,)] = connection.execute("PRAGMA page_size").fetchall()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with db.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)

    [call] = stored(db)

    assert (call.response, call.session_id) == ("kept", None)
    assert call.broken is not None
    assert call.broken.startswith("facts cannot be read")
