"""Calls that share a key though they are not one: none is lost, and none is stored twice."""

import os
import signal
import sqlite3
import threading
from pathlib import Path

import pytest
from forge_obs import (
    Interaction,
    flush,
    get_backlog,
    get_db_path,
    get_engine,
    get_interactions,
    open_reader,
    save_interaction,
)
from forge_obs.database.commits import sqlite_writer
from forge_obs.database.engines import connect_for_writing
from forge_obs.spool import file as spool
from support.children import run_in_child, start_child, wait_for
from support.store import eventually, interaction, locked

KEY = {"run_id": "r", "activity_id": "1", "activity_attempt": 1}
OTHER = {"user_prompt": "another question", "response": "another answer"}


def stored() -> list[Interaction]:
    engine = open_reader(get_db_path())
    return [] if engine is None else get_interactions(engine)


def texts() -> list[tuple[int | None, str, str | None]]:
    return [(row.seq, row.user_prompt, row.response) for row in stored()]


def test_second_call_of_a_key_is_a_row_of_its_own() -> None:
    assert interaction(**KEY, user_prompt="first", response="1")
    assert interaction(**KEY, user_prompt="second", response="2")
    assert interaction(**KEY, user_prompt="second", response="3")

    assert texts() == [(0, "first", "1"), (1, "second", "2"), (2, "second", "3")]
    assert [row.notes for row in stored()] == [None, *["seq: 0 belongs to another call"] * 2]
    assert len({row.entry_id for row in stored()}) == 3


@pytest.mark.parametrize("key", [{}, KEY], ids=["alone", "with a call key"])
def test_second_call_of_an_entry_id_gets_an_id_of_its_own(key: dict[str, object]) -> None:
    assert interaction(**key, entry_id="mine", user_prompt="first", response="1")
    assert interaction(**key, entry_id="mine", user_prompt="second", response="2")

    first, second = stored()
    assert (first.entry_id, first.user_prompt, first.notes) == ("mine", "first", None)
    assert (second.user_prompt, second.response) == ("second", "2")
    assert len(second.entry_id or "") == 32
    assert str(second.notes).endswith("entry_id: mine belongs to another call")


def test_entry_id_of_a_call_with_another_key_is_left_to_it() -> None:
    assert interaction(**KEY, seq=0, entry_id="mine", user_prompt="first")
    assert interaction(**KEY, seq=1, entry_id="mine", user_prompt="second")

    assert [(row.seq, row.user_prompt) for row in stored()] == [(0, "first"), (1, "second")]
    assert [row.entry_id == "mine" for row in stored()] == [True, False]


@pytest.mark.parametrize("key", [KEY, {"entry_id": "mine"}], ids=["call key", "entry id"])
def test_second_call_that_was_cut_off_is_on_record_and_completed(key: dict[str, object]) -> None:
    interaction(**key, user_prompt="first", response="1")
    assert interaction(**key, **{**OTHER, "response": None}, status="started")

    assert [row.status for row in stored()] == ["ok", "started"]

    assert interaction(**key, **OTHER)
    assert interaction(**key, **{**OTHER, "response": None}, status="started")

    assert [(row.status, row.response) for row in stored()] == [
        ("ok", "1"),
        ("ok", OTHER["response"]),
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"status": "started"}, {"response": "r"}),
        ({"response": "r"}, {"response": "r"}),
        ({"response": "r"}, {"user_prompt": "", "response": "r"}),
        ({"status": "error", "error": "cut off"}, {"response": "r"}),
        ({"response": "r"}, {"status": "started"}),
        ({"status": "started", "user_prompt": "draft"}, {"response": "r"}),
    ],
    ids=["completed", "again", "without its prompt", "after an error", "too late", "rewritten"],
)
@pytest.mark.parametrize("key", [KEY, {"entry_id": "mine"}], ids=["call key", "entry id"])
def test_what_may_be_the_same_call_stays_one_row(
    key: dict[str, object], first: dict[str, object], second: dict[str, object]
) -> None:
    assert interaction(**key, **first)
    assert interaction(**key, **second)

    [row] = stored()
    assert (row.status, row.response, row.notes) == ("ok", "r", row.notes)


def test_same_calls_recorded_all_over_again_are_no_new_rows() -> None:
    for _ in range(3):
        assert interaction(**KEY, user_prompt="first", response="1")
        assert interaction(**KEY, **OTHER)

    assert texts() == [(0, "first", "1"), (1, *OTHER.values())]


@pytest.mark.parametrize("key", [KEY, {"entry_id": "mine"}], ids=["call key", "entry id"])
def test_spool_that_is_delivered_twice_adds_nothing(
    private_environment: Path, key: dict[str, object]
) -> None:
    db = private_environment / "forge.db"
    interaction(**key, user_prompt="first", response="1")
    with locked(db):
        assert not interaction(**key, **OTHER)
        assert not interaction(**key, user_prompt="third", response="3")
    waiting = spool.get_spool_path(db).read_bytes()
    assert eventually(lambda: interaction(entry_id="a"))
    once = [(row.entry_id, row.seq, row.user_prompt, row.notes) for row in stored()]

    spool.get_spool_path(db).write_bytes(waiting)
    assert eventually(lambda: interaction(entry_id="a"))

    assert [(row.entry_id, row.seq, row.user_prompt, row.notes) for row in stored()] == once
    assert [row.user_prompt for row in stored()] == ["first", "another question", "third", "u"]


def test_kill_between_the_row_and_its_removal_from_the_spool_adds_nothing(
    private_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = private_environment / "forge.db"
    interaction(**KEY, user_prompt="first", response="1")
    with locked(db):
        assert not interaction(**KEY, **OTHER)

    def store_and_die() -> bool:
        monkeypatch.setattr(spool, "_advance", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        eventually(lambda: interaction(entry_id="a"))
        return True

    assert not run_in_child(store_and_die)
    assert get_backlog(db).pending
    assert texts()[:2] == [(0, "first", "1"), (1, *OTHER.values())]
    assert eventually(lambda: interaction(entry_id="b"))

    assert texts()[:2] == [(0, "first", "1"), (1, *OTHER.values())]
    assert get_backlog(db).pending == 0


def record_all(numbers: range) -> list[bool]:
    told: list[bool] = []

    def ask(number: int) -> None:
        told.append(interaction(**KEY, user_prompt=f"question {number}", response=f"{number}"))

    threads = [threading.Thread(target=ask, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return told


def test_many_threads_and_processes_with_one_key_lose_nothing() -> None:
    interaction(**KEY, user_prompt="question 0", response="0")
    flush()
    children = [
        start_child(lambda n=n: all(record_all(range(1 + 12 * n, 13 + 12 * n))))  # type: ignore[misc]
        for n in range(3)
    ]

    assert [wait_for(child) for child in children] == [True] * 3

    rows = stored()
    assert sorted(int(row.response or "") for row in rows) == list(range(37))
    assert sorted(row.seq or 0 for row in rows) == list(range(37))
    assert all(row.user_prompt == f"question {row.response}" for row in rows)


def test_facts_stand_beside_the_call_that_they_are_of() -> None:
    assert interaction(**KEY, user_prompt="first", session_id="one")
    assert interaction(**KEY, user_prompt="second", session_id="two")
    assert interaction(**KEY, user_prompt="first", response="later", session_id="one")

    assert [(row.user_prompt, row.session_id) for row in stored()] == [
        ("first", "one"),
        ("second", "two"),
    ]


def test_saved_interactions_are_kept_apart_too(private_environment: Path) -> None:
    interaction(entry_id="a")
    engine = get_engine(private_environment / "forge.db")
    call = {"task_id": "t", "role": "llm", "system_prompt": "s", "model_name": "m", **KEY}

    for question in ("first", "second"):
        save_interaction(engine, **call, user_prompt=question)

    assert [(row.seq, row.user_prompt) for row in stored()[1:]] == [(0, "first"), (1, "second")]


def test_last_number_of_all_leaves_a_call_without_one() -> None:
    last = 2**63 - 1
    assert interaction(**KEY, seq=last, user_prompt="first")
    assert interaction(**KEY, seq=last, user_prompt="second")

    assert [(row.seq, row.user_prompt) for row in stored()] == [(last, "first"), (None, "second")]


def test_usual_call_is_one_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []

    def connect(path: Path, wait_s: float) -> sqlite3.Connection:
        connection = connect_for_writing(path, wait_s)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(sqlite_writer, "connect_for_writing", connect)
    interaction()
    statements.clear()

    assert interaction(**KEY)

    [statement] = statements
    assert statement.startswith("INSERT")
