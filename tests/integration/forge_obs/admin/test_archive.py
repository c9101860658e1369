"""Archived texts: read as before by everybody, never lost, and gone when their calls are."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from forge_obs import (
    Archiving,
    CallHit,
    CallQuery,
    Interaction,
    StoreReader,
    StoreUnavailable,
    StoreUnreadable,
    TextSearch,
    archive,
    back_up,
    check_store,
    estimate_saving,
    flush,
    get_interactions,
    open_reader,
    prune,
    record,
    restore,
    unarchive,
    upgrade,
)
from forge_obs.admin import archive as archiving
from forge_obs.model.frames import ARCHIVED, CODEC, Frame
from forge_obs.store import call_scope
from support.disks import fill, small_disk
from support.records import STATS, record_call, record_run
from support.store import interaction

NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=30)

HARD_TEXTS = [
    "",
    "plain",
    "ü☃\U0001f600",
    "nul \0 inside",
    "\x1b[31m",
    "line\nline\r\n",
    "x" * 50_000,
]


@pytest.fixture
def db(private_environment: Path) -> Path:
    return private_environment / "forge.db"


def open_store(db: Path) -> StoreReader:
    reader = StoreReader.open(db)
    assert reader is not None
    return reader


def record_some(number: int = 3, workflow_id: str = "w", **fields: Any) -> None:
    record_run(workflow_id, finished_at=OLD, created_at=OLD)
    for place in range(number):
        values: dict[str, Any] = {
            "user_prompt": f"question {place} of {workflow_id} " + "and so on " * 200,
            "response": f"answer {place}",
            "context_manifest": [{"path": f"a{place}.py"}],
            "created_at": OLD,
            **fields,
        }
        call = {"task_id": "add-parser", "stats": STATS, "workflow_id": workflow_id}
        assert interaction(**{**call, **values})
    flush()


def read_texts(db: Path) -> list[dict[str, object]]:
    rows = open_store(db).iterate_rows("interactions")
    return [{name: getattr(row, name) for name in ("id", *ARCHIVED, "broken")} for row in rows]


def read_raw(db: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(db)) as connection:
        return connection.execute(query).fetchall()


def change(db: Path, *statements: str) -> None:
    with closing(sqlite3.connect(db)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def list_frames(db: Path) -> dict[int, Frame]:
    rows = read_raw(db, "SELECT id, directory_json, data FROM archives")
    return {number: Frame(directory, data, CODEC) for number, directory, data in rows}


READERS: dict[str, Callable[[StoreReader], object]] = {
    "a workflow": lambda r: r.get_interactions(workflow_id="w"),
    "a task": lambda r: r.get_interactions("add-parser"),
    "one call": lambda r: r.get_interaction(2),
    "calls one by one": lambda r: list(r.iterate_interactions("w")),
    "every row": lambda r: list(r.iterate_rows("interactions")),
    "calls without texts": lambda r: r.get_interactions(workflow_id="w", texts=False),
    "calls of any run": lambda r: list(r.calls.iterate(CallQuery())),
    "sizes of prompts": lambda r: r.get_prompt_sizes("m"),
    "a search": lambda r: list(r.calls.find(CallQuery(), TextSearch("QUESTION 1"))),
    "a search in answers": lambda r: list(
        r.calls.find(CallQuery(), TextSearch("answer", places=["answers"]))
    ),
    "a search for what is nowhere": lambda r: list(r.calls.find(CallQuery(), TextSearch("none"))),
    "a search by an expression": lambda r: list(
        r.calls.find(CallQuery(), TextSearch("question [02]", is_regex=True))
    ),
    "a search for bytes that are no text": lambda r: list(
        r.calls.find(CallQuery(), TextSearch("\udcff"))
    ),
    "a search with wildcards of SQL": lambda r: list(
        r.calls.find(CallQuery(), TextSearch("100%_"))
    ),
}


def show(value: object) -> object:
    if isinstance(value, list):
        return [show(item) for item in value]
    if not isinstance(value, Interaction):
        return value
    return {field.name: getattr(value, field.name) for field in fields(Interaction)}


@pytest.mark.parametrize("reader", READERS)
def test_readers_see_no_difference(db: Path, reader: str) -> None:
    record_some(5, request_model="m")
    record_call("w", user_prompt="only 100%_ here", created_at=OLD)
    before = show(READERS[reader](open_store(db)))

    done = archive(db, NOW)

    assert (done.calls, done.frames) == (6, 1)
    assert show(READERS[reader](open_store(db))) == before
    assert read_raw(db, "SELECT DISTINCT user_prompt, response FROM interactions") == [("", None)]


def test_mapped_rows_are_filled_too(db: Path) -> None:
    record_some(1)
    archive(db, NOW)
    engine = open_reader(db)
    assert engine is not None

    [call] = get_interactions(engine, workflow_id="w")

    assert call.user_prompt.startswith("question 0")


def test_texts_come_back_byte_by_byte(db: Path) -> None:
    for text in HARD_TEXTS:
        assert interaction(user_prompt=text, response=text, created_at=OLD)
    change(db, "UPDATE interactions SET response = CAST(x'61ff62' AS TEXT) WHERE id = 2")
    columns = ", ".join(f"hex({name}), typeof({name})" for name in ARCHIVED)
    query = f"SELECT id, {columns} FROM interactions"  # noqa: S608
    raw = read_raw(db, query)
    before = read_texts(db)

    archive(db, NOW)
    between = read_texts(db)
    unarchive(db)

    assert between == before
    assert read_raw(db, query) == raw
    assert read_raw(db, "SELECT * FROM archives") == []


def test_nothing_is_archived_that_may_still_change(db: Path) -> None:
    record_some(1, "ended")
    record_run("running", status="running", finished_at=None)
    record_call("running", created_at=OLD)
    record_run("late", finished_at=NOW)
    record_call("late", created_at=OLD)
    assert interaction(status="started", created_at=NOW - timedelta(hours=1))
    assert interaction(created_at=OLD)

    done = archive(db, NOW - timedelta(days=7))
    rest = archive(db, datetime.now(UTC) + timedelta(seconds=5))

    assert done.calls == 2
    assert rest.calls == 1
    assert read_raw(db, "SELECT id FROM interactions WHERE archive_id IS NULL") == [(2,), (4,)]


def test_archiving_twice_changes_nothing(db: Path) -> None:
    record_some()
    archive(db, NOW)

    again = archive(db, NOW)

    assert (again.calls, again.frames) == (0, 0)


def test_row_that_changes_meanwhile_keeps_its_frame_out(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_some()
    pack = archiving._pack

    def change_then_pack(*args: Any) -> object:
        packed = pack(*args)
        change(db, "UPDATE interactions SET response = 'later' WHERE id = 2")
        return packed

    monkeypatch.setattr(archiving, "_pack", change_then_pack)
    done = archive(db, NOW)
    monkeypatch.undo()

    assert (done.calls, list_frames(db)) == (0, {})
    assert read_texts(db)[1]["response"] == "later"
    assert archive(db, NOW).calls == 3


def test_rows_that_stay_are_archived_whatever_others_write_meanwhile(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_some()
    before = read_texts(db)
    pack = archiving._pack

    def write_then_pack(*args: Any) -> object:
        change(db, "UPDATE runs SET reason = 'later'")
        return pack(*args)

    monkeypatch.setattr(archiving, "_pack", write_then_pack)

    assert archive(db, NOW).calls == 3
    assert_intact(db, before)


def test_what_another_program_archives_meanwhile_is_left_to_it(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_some()
    before = read_texts(db)
    pack = archiving._pack

    def pack_after_another(*args: Any) -> object:
        monkeypatch.undo()
        assert archive(db, NOW).calls == 3
        return pack(*args)

    monkeypatch.setattr(archiving, "_pack", pack_after_another)

    assert archive(db, NOW).calls == 0
    assert_intact(db, before)


def test_what_another_program_puts_back_meanwhile_is_no_damage(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "MOST_ROWS", 2)
    record_some(6)
    before = read_texts(db)
    archive(db, NOW)
    bring_back = archiving._bring_back

    def bring_back_after_another(*args: Any) -> tuple[int, int]:
        monkeypatch.undo()
        assert unarchive(db).frames == 3
        return bring_back(*args)

    monkeypatch.setattr(archiving, "_bring_back", bring_back_after_another)

    assert unarchive(db).calls == 0
    assert_intact(db, before)


def test_workflows_stay_whole_and_long_ones_are_split(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "ENOUGH_BYTES", 5_000)
    monkeypatch.setattr(archiving, "MOST_BYTES", 12_000)
    for workflow_id, calls in (("a", 2), ("b", 2), ("c", 12)):
        record_some(calls, workflow_id)

    archive(db, NOW)

    sizes = [len(frame.rows) for frame in list_frames(db).values()]
    assert sizes == [4, 5, 5, 2]


def test_what_is_too_little_for_a_frame_waits_where_time_is_short(db: Path) -> None:
    record_some()

    assert archive(db, NOW, within_s=60).calls == 0
    assert archive(db, NOW).calls == 3


KEY: dict[str, Any] = {"run_id": "r", "activity_id": "1", "activity_attempt": 1, "seq": 0}


def test_call_that_is_delivered_again_is_still_one(db: Path) -> None:
    record_some(1, **KEY, entry_id="one")
    archive(db, NOW)
    before = read_texts(db)

    record_some(1, **KEY, entry_id="one", finish_reason="stop")

    assert read_texts(db) == before
    assert read_raw(db, "SELECT user_prompt, finish_reason FROM interactions") == [("", "stop")]


def test_another_call_with_the_key_of_an_archived_one_is_a_row_of_its_own(db: Path) -> None:
    record_some(1, **KEY)
    archive(db, NOW)

    record_call("w", **KEY, user_prompt="something else")

    assert [row["user_prompt"] for row in read_texts(db)][1] == "something else"
    [first, second] = read_raw(db, "SELECT seq, notes FROM interactions")
    assert (first, second[0]) == ((0, None), 1)
    assert "belongs to another call" in second[1]


def test_answer_that_comes_after_its_call_was_archived_is_kept_beside_it(db: Path) -> None:
    record_some(1, **KEY, status="started", response=None, stats=None)
    archive(db, NOW)

    record_some(1, **KEY, response="came late")

    [row] = read_texts(db)
    assert row["response"] == "came late"
    assert str(row["user_prompt"]).startswith("question 0")


def test_search_finds_what_came_late_and_not_what_it_took_the_place_of(db: Path) -> None:
    record_some(2)
    archive(db, NOW)
    change(db, "UPDATE interactions SET response = 'came late' WHERE id = 1")

    def find(text: str) -> list[int]:
        query = CallQuery(workflow_id="w")
        return [hit.id for hit in open_store(db).calls.find(query, TextSearch(text))]

    assert find("CAME late") == [1]
    assert find("answer") == [2]
    assert find("question") == [2, 1]


@pytest.mark.parametrize("is_regex", [False, True])
def test_search_in_ranges_finds_the_same_in_frames_as_before(
    db: Path, monkeypatch: pytest.MonkeyPatch, is_regex: bool
) -> None:
    monkeypatch.setattr(call_scope, "FIRST_SPAN", 2)
    monkeypatch.setattr(call_scope, "WIDEST_SPAN", 5)
    searches = [
        TextSearch(text, is_regex, places)
        for text in ("question 1", "answer", "1 of a", "of B", "nowhere")
        for places in ((), ("answers",))
    ]
    queries = [CallQuery(), CallQuery(workflow_id="b"), CallQuery(step_id="s")]

    def find_all() -> list[list[CallHit]]:
        calls = open_store(db).calls
        return [list(calls.find(query, search)) for query in queries for search in searches]

    record_some(7, "a")
    record_some(6, "b", step_id="s")
    archive(db, NOW)
    record_some(8, "c")
    archive(db, NOW)
    record_some(9, "d", step_id="s")
    archived = find_all()
    change(db, "UPDATE archives SET text_bytes = 5 WHERE id = 1")
    resized = find_all()
    unarchive(db)

    assert archived == resized == find_all()
    assert len(archived[0]) == 4


def test_row_is_not_found_in_a_frame_that_it_has_left(db: Path) -> None:
    record_some(2, "a")
    archive(db, NOW)
    record_some(1, "b")
    archive(db, NOW)
    change(db, "UPDATE interactions SET archive_id = 2 WHERE id = 1")

    hits = open_store(db).calls.find(CallQuery(), TextSearch("question"))

    assert [hit.id for hit in hits] == [3, 2]


def test_pruned_calls_leave_nothing_in_the_archive(db: Path) -> None:
    for number, age in enumerate((90, 30)):
        ended = NOW - timedelta(days=age)
        record_run(f"w{number}", finished_at=ended, created_at=ended)
        for _ in range(2):
            prompt = f"secret-{number} " * 40
            record_call(f"w{number}", user_prompt=prompt, created_at=ended)
    archive(db, NOW)
    assert [len(frame.rows) for frame in list_frames(db).values()] == [4]

    done = prune(db, NOW - timedelta(days=60))
    [frame] = list_frames(db).values()

    assert done.deleted.calls == 2
    assert b"secret-0" not in frame.raw
    assert [str(row["user_prompt"])[:8] for row in read_texts(db)] == ["secret-1", "secret-1"]
    assert check_store(db).damage == ()

    prune(db, NOW)

    assert list_frames(db) == {}
    assert read_texts(db) == []


def test_frame_number_is_never_used_again(db: Path) -> None:
    record_some(1, "a")
    archive(db, NOW)
    unarchive(db)
    archive(db, NOW)

    assert list(list_frames(db)) == [2]


def test_backup_and_restore_keep_what_is_archived(db: Path, tmp_path: Path) -> None:
    record_some()
    before = read_texts(db)
    archive(db, NOW)

    back_up(db, tmp_path / "copy.db")
    prune(db, NOW)
    restore(db, tmp_path / "copy.db")

    assert read_texts(tmp_path / "copy.db") == before
    assert read_texts(db) == before


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("DELETE FROM archives", "3 calls whose archived texts are missing"),
        (
            "UPDATE archives SET data = x'00'",
            "archive 1: its directory and its data do not belong together",
        ),
        ("UPDATE archives SET directory_json = '{}'", "archive 1: its directory is damaged"),
        ("UPDATE archives SET codec = 'zstd-2'", "archive 1: its codec 'zstd-2' is unknown"),
        (
            "UPDATE archives SET data = substr(data, 1, length(data) - 3)",
            "archive 1: its directory and its data do not belong together",
        ),
    ],
    ids=["missing", "data", "directory", "codec", "cut"],
)
def test_damaged_frame_is_found_and_hides_no_row(db: Path, damage: str, expected: str) -> None:
    record_some()
    archive(db, NOW)
    record_call("w", user_prompt="a sound question")
    change(db, damage)

    rows = read_texts(db)
    hits = list(open_store(db).calls.find(CallQuery(), TextSearch("question")))

    assert expected in check_store(db).damage
    assert ["archived texts cannot be read" in str(row["broken"]) for row in rows] == [
        True,
        True,
        True,
        False,
    ]
    assert [hit.id for hit in hits if hit.broken is None] == [4]
    assert len([hit for hit in hits if hit.broken]) == 3
    if damage.startswith("UPDATE"):
        archive(db, datetime.now(UTC) + timedelta(seconds=5))
        with pytest.raises(StoreUnreadable, match=r"archive 1: its .*; all others were put back"):
            unarchive(db)
        assert [row["user_prompt"] for row in read_texts(db)][3] == "a sound question"
    assert prune(db, NOW).deleted.calls == 3
    assert read_raw(db, "SELECT * FROM archives") == []


def test_older_store_is_read_before_its_upgrade(db: Path) -> None:
    record_some()
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("ALTER TABLE interactions DROP COLUMN archive_id")
        connection.execute("DROP TABLE archives")
        connection.execute("UPDATE alembic_version SET version_num = '003_call_facts'")

    assert len(read_texts(db)) == 3
    hits = open_store(db).calls.find(CallQuery(), TextSearch("answer 1"))
    assert [hit.id for hit in hits] == [2]
    assert estimate_saving(db, NOW).calls == 0
    upgrade(db)
    assert archive(db, NOW).calls == 3


def test_saving_is_estimated_from_some_rows(db: Path) -> None:
    assert estimate_saving(db, NOW).calls == 0
    record_some(40)

    saving = estimate_saving(db, NOW)
    done = archive(db, NOW)

    assert saving.calls == done.calls == 40
    assert saving.bytes == pytest.approx(done.text_bytes - done.stored_bytes, rel=0.1)


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from forge_obs.admin import archive as archiving

connect, path = archiving.connect_for_writing, sys.argv[1]
archiving.ENOUGH_BYTES, archiving.MOST_ROWS = 6_000, 4

def act(action, statement):
    left = [statement]

    def connect_traced(path, wait_s):
        connection = connect(path, wait_s)

        def trace(text):
            left[0] -= connection.in_transaction
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        connection.set_trace_callback(trace)
        return connection

    archiving.connect_for_writing = connect_traced
    moment = [datetime.now(UTC)] if action == "archive" else []
    return getattr(archiving, action)(path, *moment).calls

for line in sys.stdin:
    action, statement = line.split()
    child = os.fork()
    if not child:
        print(act(action, int(statement)), flush=True)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Archives or unarchives in a child that is killed at a statement of a transaction."""


@contextmanager
def running_archiver(db: Path) -> Iterator[subprocess.Popen[str]]:
    script = [sys.executable, "-c", KILLED, str(db)]
    with subprocess.Popen(
        script, stdin=PIPE, stdout=PIPE, env=dict(os.environ), text=True
    ) as child:
        yield child


def test_kill_in_the_middle_of_a_transaction_loses_nothing(db: Path) -> None:
    record_some(12)
    before = read_texts(db)

    with running_archiver(db) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for action, statements in (("archive", (1, 2, 3, 5, 6, 11)), ("unarchive", (1, 2, 4, 5))):
            for statement in statements:
                print(action, statement, file=child.stdin, flush=True)
                assert child.stdout.readline() == f"{-signal.SIGKILL}\n"
                assert_intact(db, before)
            print(action, 10_000, file=child.stdin, flush=True)
            assert [int(child.stdout.readline()) for _ in "12"][1] == 0
            assert_intact(db, before)
            done = 12 if action == "archive" else 0
            assert read_raw(db, "SELECT count(archive_id) FROM interactions") == [(done,)]


def test_full_disk_leaves_every_text_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", "8m") as disk:
        db = disk / "forge.db"
        monkeypatch.setenv("FORGE_DB_PATH", str(db))
        record_some(20, user_prompt=os.urandom(20_000).hex())
        before = read_texts(db)
        for act in (partial(archive, db, NOW), partial(unarchive, db)):
            ballast = fill(disk)
            os.truncate(ballast, ballast.stat().st_size - 50_000)  # for what readers need
            with pytest.raises(StoreUnavailable, match="SQLITE_FULL"):
                act()
            assert_intact(db, before)
            ballast.unlink()
            assert act().calls == 20
            assert_intact(db, before)


def assert_intact(db: Path, before: list[dict[str, object]]) -> None:
    """Check that each text is as it was, and each archived row in exactly one directory."""
    assert read_texts(db) == before
    listed = [
        (row[0], number)
        for number, text in read_raw(db, "SELECT id, directory_json FROM archives")
        for row in json.loads(text)["rows"]
    ]
    archived = read_raw(
        db, "SELECT id, archive_id FROM interactions WHERE archive_id IS NOT NULL ORDER BY id"
    )
    assert sorted(listed) == archived


def test_calls_are_recorded_while_others_are_archived(db: Path) -> None:
    record_some(60)
    with running_archiver(db) as child:
        assert child.stdin is not None
        print("archive 100000", file=child.stdin, flush=True)
        names = [f"x{number}" for number in range(50)]
        kept = [record("run", task_id="t", workflow_id=w, status="success") for w in names]
        out, _ = child.communicate(timeout=60)

    assert all(kept)
    assert out == "60\n0\n"


def test_outcome_says_what_was_gained(db: Path) -> None:
    record_some(12, user_prompt="and so on " * 20_000)

    done = archive(db, NOW)

    assert isinstance(done, Archiving)
    assert done.text_bytes > 10 * done.stored_bytes
    assert done.size_bytes == sum(
        file.stat().st_size for file in db.parent.glob("forge.db*") if "lock" not in file.name
    )
    assert done.freed_bytes > 0
    assert done.obstacle is None
