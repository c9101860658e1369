"""Rows that several threads record at the same moment share one transaction."""

import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from forge_obs import Interaction, get_db_path, get_interactions, open_reader
from forge_obs.database.commits.database import Database
from forge_obs.database.commits.group_commit import Commit
from forge_obs.database.commits.sqlite_writer import Writer
from forge_obs.database.errors import KeyTaken
from forge_obs.database.handle import get_writing
from forge_obs.database.rows.upsert import repeat_values
from forge_obs.database.statements import _call_statements, _run_statement
from forge_obs.environment.process import get_now
from forge_obs.model.entries import clean_columns
from forge_obs.model.rows import TABLES
from support.store import interaction
from support.waiting import wait_until

KEY = {"run_id": "r", "activity_id": "5", "activity_attempt": 1}


@pytest.fixture
def database() -> Database:
    assert interaction(task_id="first")
    found = get_writing(Path(str(get_db_path())))
    assert found is not None
    found._group._crowd = 1
    return found


def record_at_once(database: Database, *calls: Callable[[], bool]) -> list[bool]:
    """Record by a thread each, while the database is held until all have come."""
    found: list[bool] = []

    def run(call: Callable[[], bool]) -> None:
        found.append(call())

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    with database.held(30.0):
        for thread in threads:
            thread.start()
        wait_until(lambda: len(database._group._threads) == len(threads), "all rows to arrive")
    for thread in threads:
        thread.join(30.0)
    return found


def stored() -> list[Interaction]:
    engine = open_reader(get_db_path() or "")
    assert engine is not None
    return get_interactions(engine)


def test_each_call_of_a_group_has_its_own_facts(database: Database) -> None:
    def call(number: int) -> bool:
        ids = {"response_id": f"answer-{number}"} if number % 3 else {"session_id": f"s-{number}"}
        return interaction(task_id=f"t-{number}", **ids if number % 4 else {})

    record_at_once(database, *(partial(call, number) for number in range(12)))

    found = {row.task_id: (row.response_id, row.session_id) for row in stored()[1:]}
    assert len(found) == 12
    for number in range(12):
        ids = (f"answer-{number}", None) if number % 3 else (None, f"s-{number}")
        assert found[f"t-{number}"] == (ids if number % 4 else (None, None))


def test_every_row_is_there_as_it_was_given(database: Database) -> None:
    def call(number: int) -> bool:
        return interaction(task_id=f"t-{number}", user_prompt=f"é {number}\n" * number)

    found = record_at_once(database, *(partial(call, number) for number in range(12)))

    assert found == [True] * 12
    prompts = {row.task_id: row.user_prompt for row in stored()}
    assert prompts == {
        "first": prompts["first"],
        **{f"t-{n}": f"é {n}\n" * n for n in range(12)},
    }


def test_rows_of_one_call_become_one_row(database: Database) -> None:
    started = partial(interaction, task_id="t", status="started", **KEY)
    done = partial(interaction, task_id="t", status="ok", response="yes", **KEY)

    assert record_at_once(database, started, done, started, done) == [True] * 4

    [row] = [row for row in stored() if row.task_id == "t"]
    assert (row.status, row.response) == ("ok", "yes")


def test_row_whose_other_key_is_taken_merges_and_the_others_are_kept(database: Database) -> None:
    assert interaction(task_id="early", entry_id="e" * 32)
    calls = [
        lambda: interaction(task_id="other", **KEY, seq=1),
        lambda: interaction(task_id="early", entry_id="e" * 32, response="late", **KEY, seq=2),
        lambda: interaction(task_id="another", **KEY, seq=3),
    ]

    assert record_at_once(database, *calls) == [True] * 3

    rows = {row.task_id: row for row in stored()}
    assert sorted(rows) == ["another", "early", "first", "other"]
    assert rows["early"].response == "late"
    assert rows["early"].seq == 2


def test_group_is_one_statement_that_is_written_whole_or_not_at_all(database: Database) -> None:
    def commit(number: int, *, taken: bool = False) -> Commit:
        fields = {"task_id": f"t-{number}", "entry_id": f"{number:032x}", **KEY, "seq": number}
        row = clean_columns("interactions", {**fields, "created_at": get_now()})
        name = ", ".join(row)
        insert = f"INSERT INTO interactions ({name}) VALUES ({', '.join('?' * len(row))})"  # noqa: S608 - columns
        return Commit(insert, tuple(({**row, "entry_id": "0" * 32} if taken else row).values()))

    with closing(Writer(database.path, 5.0)) as writer:
        assert not writer.commit([commit(0), commit(1), commit(2)], 5.0)
        with pytest.raises(KeyTaken):
            writer.commit([commit(3), commit(4, taken=True), commit(5)], 5.0)

    assert [row.task_id for row in stored()] == ["first", "t-0", "t-1", "t-2"]


def test_every_merging_statement_takes_several_rows() -> None:
    calls = [statements.upsert for statements in _call_statements(has_call_key=True)]
    for table, statements in (("interactions", calls), ("runs", [_run_statement()])):
        for statement in statements:
            width = len(TABLES[table])
            assert repeat_values(statement.text, width, 3).count("?") == 3 * width
