"""Readers create, migrate and lock nothing, and cope with any file."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from forge_obs import (
    Backlog,
    Run,
    RunQuery,
    StoreNewer,
    StoreReader,
    StoreUnavailable,
    StoreUnreadable,
    check_store,
    flush,
    get_interactions,
    get_run,
    get_shown_status,
    list_recent_runs,
    open_reader,
    record,
)
from sqlalchemy import Engine
from support.children import NOBODY, run_in_child, start_child, wait_for


@pytest.fixture
def db(private_environment: Path) -> Path:
    path = private_environment / "forge.db"
    for number in range(3):
        assert record(
            "interaction",
            task_id="t",
            role="llm",
            system_prompt="s" * 9000,
            user_prompt=f"u{number}",
            workflow_id="w",
        )
    assert record("run", task_id="t", workflow_id="w", status="running")
    flush()
    return path


def reader(path: Path) -> Engine:
    engine = open_reader(path)
    assert engine is not None
    return engine


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_no_database_is_nothing_and_makes_no_file(tmp_path: Path) -> None:
    assert open_reader(tmp_path / "deep" / "none.db") is None
    assert not (tmp_path / "deep").exists()


def test_store_opened_once_reads_what_the_functions_do(db: Path, tmp_path: Path) -> None:
    opened = StoreReader.open(db)

    assert StoreReader.open(tmp_path / "none.db") is StoreReader.open(None) is None
    assert opened is not None
    run = opened.get_run("w")
    assert run is not None
    assert [run.id] == [found.id for found in opened.iterate_rows("runs")]
    assert [call.user_prompt for call in opened.get_interactions("t")] == ["u0", "u1", "u2"]
    assert (opened.path, opened.get_backlog()) == (db, Backlog())


@pytest.mark.parametrize("opener", ["get_engine", "open_reader"])
def test_classes_are_mapped_once_there_is_an_engine(db: Path, opener: str) -> None:
    script = (
        f"import sys; from forge_obs import Interaction, {opener}\n"
        f"engine = {opener}(sys.argv[1])\n"
        "from sqlalchemy import select\n"
        "with engine.connect() as connection:\n"
        "    print(len(connection.execute(select(Interaction)).all()))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, db], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout == "3\n"


def test_reading_changes_no_byte_of_the_database(db: Path) -> None:
    before = db.read_bytes()

    assert len(get_interactions(reader(db))) == 3
    assert len(list_recent_runs(reader(db))) == 1

    assert db.read_bytes() == before


def test_reader_refuses_to_write(db: Path) -> None:
    with reader(db).connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.exec_driver_sql("DELETE FROM runs")


@pytest.mark.parametrize("name", ["100%.db", "a b.db", "a#b.db", "a?mode=ro.db", "ü%20.db"])
def test_path_with_special_characters_leads_to_exactly_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / "p%41 ?#" / name
    monkeypatch.setenv("FORGE_DB_PATH", str(path))

    assert record("run", task_id="t", workflow_id="w", status="running")
    flush()

    assert [file.name for file in path.parent.iterdir()] == [name]
    assert get_run(reader(path), "w") is not None


def test_uncommitted_rows_of_a_live_writer_do_not_block_reading(db: Path) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE runs SET status = 'success'")

        found = get_run(reader(db), "w")

        writer.execute("ROLLBACK")
    assert found is not None
    assert found.status == "running"


def test_empty_file_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    engine = reader(tmp_path / "empty.db")

    assert get_interactions(engine) == []
    assert get_run(engine, "w") is None
    assert list_recent_runs(engine) == []
    assert list(StoreReader(engine).iterate_call_figures(["w"])) == []


def test_older_schema_is_read_with_the_columns_it_has(db: Path) -> None:
    execute(
        db,
        "ALTER TABLE interactions DROP COLUMN explanation",
        "ALTER TABLE interactions DROP COLUMN trace_id",
        "ALTER TABLE runs DROP COLUMN seen_at",
    )

    found = get_interactions(reader(db), workflow_id="w")
    run = get_run(reader(db), "w")

    assert [row.user_prompt for row in found] == ["u0", "u1", "u2"]
    assert (found[0].explanation, found[0].trace_id, found[0].broken) == ("", None, None)
    assert run is not None
    assert run.seen_at is None


def test_newer_schema_is_a_typed_error_and_stays_untouched(db: Path) -> None:
    execute(db, "UPDATE alembic_version SET version_num = '999_future'")
    before = db.read_bytes()

    for read in (get_interactions, list_recent_runs):
        with pytest.raises(StoreNewer, match=r"999_future.*upgrade forge"):
            read(reader(db))

    assert db.read_bytes() == before
    assert check_store(db).state == "newer"


def test_one_broken_row_is_marked_and_hides_no_other(db: Path) -> None:
    execute(
        db,
        "UPDATE interactions SET user_prompt = CAST(x'ff' AS TEXT) WHERE id = 1",
        "UPDATE interactions SET created_at = 'gestern', input_tokens = 'lots' WHERE id = 2",
    )

    first, second, third = get_interactions(reader(db))

    assert (first.broken, first.user_prompt) == ("user_prompt: not text", "\\udcff")
    assert second.broken == "input_tokens: not an integer; created_at: not a time"
    assert (third.broken, third.user_prompt) == (None, "u2")


def break_text(db: Path, letter: bytes, number: int = 0) -> None:
    """Damage one of the texts of a single letter: point its chain of pages out of the file."""
    content = bytearray(db.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    pages = [content[start : start + size] for start in range(0, len(content), size)]
    overflow = [n for n, page in enumerate(pages) if page[4:200] == letter * 196 and any(page[:4])]
    start = overflow[number] * size
    content[start : start + 4] = b"\x7f\xff\xff\xff"
    db.write_bytes(content)


def test_damaged_page_breaks_only_the_rows_on_it(db: Path) -> None:
    break_text(db, b"s", 1)

    found = get_interactions(reader(db))

    assert [row.id for row in found] == [1, 2, 3]
    assert [bool(row.broken) for row in found].count(True) == 1
    assert "SQLITE_CORRUPT" in str([row.broken for row in found])


@pytest.mark.parametrize("broken", ["d", "ed", "edcba", "a", "c"])
def test_broken_runs_are_listed_once_and_end_no_list(db: Path, broken: str) -> None:
    for letter in "abcde":
        result = {"text": letter * 20_000}
        assert record("run", task_id="many", workflow_id=letter, status="success", result=result)
    flush()
    for letter in broken:
        break_text(db, letter.encode())

    runs, query = StoreReader(reader(db)), RunQuery(task_id="many")
    for batch in (1, 2, 3, 10):
        found = list(runs.iterate_runs(query, batch=batch))
        assert [row.id for row in found] == [6, 5, 4, 3, 2], batch
        assert [bool(row.broken) for row in found] == [letter in broken for letter in "edcba"]


def test_file_that_is_no_database_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("hello\n" * 1000)

    with pytest.raises(StoreUnreadable, match="SQLITE_NOTADB"):
        list_recent_runs(reader(path))
    assert check_store(path).state == "unreadable"


def test_directory_in_place_of_the_database_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="it is a directory"):
        list_recent_runs(reader(tmp_path))


def test_store_without_write_permission_is_read(db: Path) -> None:
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    with tempfile.TemporaryDirectory() as public:
        shutil.copy(db, public)
        copy = Path(public, db.name)
        copy.chmod(0o444)
        Path(public).chmod(0o555)
        uid = NOBODY if os.geteuid() == 0 else None

        assert run_in_child(lambda: len(get_interactions(reader(copy))) == 3, uid=uid)


def test_running_run_of_this_process_shows_as_running(db: Path) -> None:
    run = get_run(reader(db), "w")

    assert run is not None
    assert get_shown_status(run) == "running"


def test_running_run_of_a_dead_process_shows_as_interrupted(db: Path) -> None:
    child = start_child(lambda: record("run", task_id="t", workflow_id="w2", status="running"))
    assert wait_for(child)

    run = get_run(reader(db), "w2")

    assert isinstance(run, Run)
    assert run.owner_pid == child
    assert (run.status, get_shown_status(run)) == ("running", "interrupted")


def test_check_of_a_sound_store_is_ok(db: Path) -> None:
    check = check_store(db)

    assert check.ok
    assert (check.state, check.revision, check.damage) == ("current", check.head, ())
    assert [file.mode for file in check.files] == [0o600]
    assert check.size_bytes == db.stat().st_size


def test_check_finds_open_files_and_damage(db: Path) -> None:
    db.chmod(0o644)
    content = bytearray(db.read_bytes())
    content[4096 * 3 : 4096 * 3 + 60] = bytes(60)
    db.write_bytes(content)

    check = check_store(db)

    assert not check.ok
    assert not check.files[0].is_private
    assert check.damage or check.error


def test_check_of_no_store_is_ok(tmp_path: Path) -> None:
    check = check_store(tmp_path / "none.db")

    assert (check.ok, check.state) == (True, "missing")
    assert list(tmp_path.glob("none*")) == []


def test_pipe_is_no_database_and_nobody_waits_for_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe.db"
    os.mkfifo(path)

    found = check_store(path)

    assert (found.state, found.error) == (
        "unreadable",
        f"{path} is a device or a pipe: choose a file for the store",
    )
    with pytest.raises(StoreUnavailable, match="is a device or a pipe"):
        get_interactions(reader(path))


def test_path_that_leads_to_itself_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "loop.db"
    path.symlink_to(path)

    assert check_store(path).state == "unreadable"


def test_missing_table_is_a_finding(db: Path) -> None:
    execute(db, "DROP TABLE interactions")

    found = check_store(db)

    assert found.damage == ("table interactions is missing or incomplete",)
    assert not found.ok


def test_any_limit_is_one(db: Path) -> None:
    assert len(list_recent_runs(reader(db), limit=10**30)) == 1


READ = """
import sys
from forge_obs import StoreReader
reader = StoreReader.open(sys.argv[1])
assert len(reader.get_interactions(workflow_id="w")) == 3
assert len(reader.list_recent_runs(5)) == 1
parts = {"recorder", "delivery", "database.handle", "database.commits", "model.entries"}
print(sorted(part for part in parts if f"forge_obs.{part}" in sys.modules))
"""


def test_reading_loads_nothing_that_writes(db: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ, str(db)], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"
