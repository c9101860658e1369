"""Runs handed over in a store of their own, and a stranger's store merged into one's own."""

import os
import random
import sqlite3
import struct
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from forge_obs import (
    Interaction,
    Redactor,
    Run,
    StoreNewer,
    StoreReader,
    StoreUnavailable,
    StoreUnreadable,
    Transfer,
    archive,
    check_store,
    export_runs,
    flush,
    import_store,
    record,
    upgrade,
)
from forge_obs.database.engines import open_for_reading
from forge_obs.model import frames
from forge_obs.model.frames import Packed, pack
from forge_obs.store import foreign, handover
from support.records import record_call, record_run

SECRET = "sk-ant-" + "a1b2c3d4" * 4


@pytest.fixture
def db(private_environment: Path) -> Path:
    return private_environment / "forge.db"


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "part.db"


def record_some() -> None:
    for workflow_id in ("forge-a-01", "forge-b-02"):
        record_run(workflow_id, run_id="r", task_id=workflow_id[6], description="Do it.")
        for number in range(2):
            record_call(
                workflow_id,
                entry_id=f"{workflow_id}-{number}",
                user_prompt=f"question {number}: {SECRET}",
                session_id="s",
                first_token_ms=5.0,
            )
        assert record("outcome", entry_id=f"{workflow_id}-0", outcome="accepted", commit_sha="abc")
    flush()


def read(path: Path, table: str = "interactions") -> list[dict[str, object]]:
    reader = StoreReader.open(path)
    assert reader is not None
    shape = Interaction if table == "interactions" else Run
    names = [field.name for field in fields(shape) if field.name != "id"]
    return [{name: getattr(row, name) for name in names} for row in reader.iterate_rows(table)]


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_exported_store_holds_the_runs_whole_and_nothing_else(db: Path, part: Path) -> None:
    record_some()
    everything = read(db)
    archive(db, datetime.now(UTC))

    done = export_runs(db, ["forge-b-02"], part)

    assert done == Transfer(runs=1, calls=2)
    assert read(part) == [call for call in everything if call["workflow_id"] == "forge-b-02"]
    assert read(part, "runs") == read(db, "runs")[1:]
    assert check_store(part).ok
    assert [file.name for file in part.parent.glob("part.db*")] == ["part.db"]
    assert part.stat().st_mode & 0o777 == 0o600


def test_exported_calls_stand_in_the_order_of_recording(db: Path, part: Path) -> None:
    for number in range(6):
        workflow_id = f"forge-{'ab'[number % 2]}-0{number % 2}"
        record_run(workflow_id, run_id="r")
        record_call(workflow_id, entry_id=f"e{number}")

    export_runs(db, ["forge-b-01", "forge-a-00"], part)

    assert [call["entry_id"] for call in read(part)] == [f"e{number}" for number in range(6)]
    assert [run["workflow_id"] for run in read(part, "runs")] == ["forge-a-00", "forge-b-01"]


def test_exported_store_can_be_without_secrets(db: Path, part: Path) -> None:
    record_some()
    redactor = Redactor()

    export_runs(db, ["forge-a-01"], part, redactor.redact)

    assert SECRET.encode() not in part.read_bytes()
    assert "[anthropic-key 1]" in str(read(part)[0]["user_prompt"])
    assert [removal.places for removal in redactor.list_removals()] == [2]


def test_nothing_is_left_of_an_export_that_fails(db: Path, part: Path) -> None:
    record_some()

    def fail(_row: object) -> object:
        raise OSError(28, "No space left on device")

    for target in (part, part.with_name("part[1].db")):
        with pytest.raises(StoreUnavailable):
            export_runs(db, ["forge-a-01"], target, fail)
    assert list(part.parent.glob("part*")) == []
    part.write_text("mine")
    with pytest.raises(FileExistsError):
        export_runs(db, ["forge-a-01"], part)
    assert part.read_text() == "mine"


def test_imported_twice_is_imported_once(db: Path, part: Path, tmp_path: Path) -> None:
    record_some()
    export_runs(db, ["forge-a-01", "forge-b-02"], part)
    archive(part, datetime.now(UTC))
    other = tmp_path / "other.db"

    first = import_store(other, part)
    second = import_store(other, part)

    assert first == second == Transfer(runs=2, calls=4)
    assert read(other) == read(db)
    assert read(other, "runs") == read(db, "runs")


def test_calls_without_an_id_are_known_by_their_content(db: Path, part: Path) -> None:
    record_some()
    export_runs(db, ["forge-a-01"], part)
    change(part, "UPDATE interactions SET entry_id = NULL")

    import_store(db, part)
    import_store(db, part)

    assert len(read(db)) == 6


def test_what_is_on_record_is_merged_and_another_call_kept_apart(db: Path, part: Path) -> None:
    record_some()
    export_runs(db, ["forge-a-01"], part)
    change(
        part,
        "UPDATE interactions SET user_prompt = 'not the same' WHERE id = 1",
        "UPDATE interactions SET finish_reason = 'stop' WHERE id = 2",
        "UPDATE runs SET status = 'running'",
    )

    import_store(db, part)
    import_store(db, part)

    prompts = [str(call["user_prompt"])[:12] for call in read(db)]
    assert prompts == ["question 0: ", "question 1: "] * 2 + ["not the same"]
    assert read(db)[1]["finish_reason"] == "stop"
    assert read(db, "runs")[0]["status"] == "success"


def test_run_that_has_ended_here_is_not_changed_by_a_copy_of_it(db: Path, part: Path) -> None:
    record_run("w", run_id="r", repo_root="/src/pantry", result={"error": "own"}, model_name=None)
    flush()
    export_runs(db, ["w"], part)
    change(part, "UPDATE runs SET repo_root = 'pantry', status = 'error', result_json = '{}'")
    change(part, "UPDATE runs SET model_name = 'm', description = NULL")
    [before] = read(db, "runs")

    transfer = import_store(db, part)

    assert (transfer.runs, transfer.new_runs) == (1, 0)
    assert read(db, "runs") == [{**before, "model_name": "m"}]


def test_values_are_cleaned_and_what_cannot_be_read_is_left_out(db: Path, part: Path) -> None:
    record_some()
    export_runs(db, ["forge-a-01", "forge-b-02"], part)
    change(
        part,
        "UPDATE interactions SET input_tokens = -5, latency_ms = 9e999, user_prompt = x'ff41',"
        " params_json = '{' WHERE id = 1",
        "UPDATE interactions SET created_at = 'yesterday' WHERE id = 2",
        "UPDATE call_facts SET stated_cost_usd = -1 WHERE interaction_id = 3",
        "ALTER TABLE interactions ADD COLUMN unheard_of TEXT DEFAULT 'x'",
    )
    os.environ["FORGE_DB_PATH"] = str(db.with_name("other.db"))

    done = import_store(db.with_name("other.db"), part)
    calls = {call["entry_id"]: call for call in read(db.with_name("other.db"))}

    assert done == Transfer(runs=2, calls=3, unreadable=1)
    odd = calls["forge-a-01-0"]
    assert (odd["input_tokens"], odd["latency_ms"], odd["user_prompt"]) == (0, 0.0, "\\xffA")
    assert "input_tokens: negative became 0" in str(odd["notes"])
    assert calls["forge-b-02-0"]["stated_cost_usd"] is None


BOMB = pack([(1, [b"\0" * 300_000, None, None, None, None])])

HOSTILE: dict[str, tuple[str, ...]] = {
    "a view": (
        "ALTER TABLE interactions RENAME TO real",
        "CREATE VIEW interactions AS SELECT * FROM real",
    ),
    "a virtual table": (
        "DROP TABLE runs",
        "CREATE VIRTUAL TABLE runs USING fts5(task_id, workflow_id)",
    ),
    "a view without end": (
        "DROP TABLE call_facts",
        (
            "CREATE VIEW Call_Facts AS WITH RECURSIVE"
            " n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT i AS interaction_id, 'accepted' AS outcome FROM n"
        ),
    ),
    "ids that are no numbers": (
        "CREATE TABLE other AS SELECT * FROM interactions",
        "UPDATE other SET id = 'x' || id",
        "DROP TABLE interactions",
        "ALTER TABLE other RENAME TO interactions",
    ),
    "ids that are the same": (
        "CREATE TABLE other AS SELECT * FROM interactions",
        "UPDATE other SET id = 7",
        "DROP TABLE interactions",
        "ALTER TABLE other RENAME TO interactions",
    ),
    "no tables": ("DROP TABLE interactions", "DROP TABLE runs"),
    "no revision": ("DROP TABLE alembic_version",),
}


@pytest.mark.parametrize("statements", HOSTILE.values(), ids=HOSTILE)
def test_file_that_is_no_store_is_refused(
    db: Path, part: Path, statements: tuple[str, ...]
) -> None:
    record_some()
    export_runs(db, ["forge-a-01"], part)
    change(part, *statements)

    with pytest.raises(StoreUnreadable):
        import_store(db.with_name("other.db"), part)
    assert not db.with_name("other.db").exists()


def test_key_that_is_no_number_is_refused_where_it_is_met(db: Path, part: Path) -> None:
    record_some()
    export_runs(db, ["forge-a-01"], part)
    change(
        part,
        "DROP TABLE interactions",
        "CREATE TABLE interactions (id INTEGER PRIMARY KEY, task_id TEXT) WITHOUT ROWID",
        "INSERT INTO interactions VALUES ('x', 't')",
    )

    with pytest.raises(StoreUnreadable):
        import_store(db.with_name("other.db"), part)


def test_rows_with_ids_below_one_are_merged_too(db: Path, part: Path) -> None:
    record_some()
    export_runs(db, ["forge-a-01"], part)
    change(part, "DELETE FROM call_facts", "UPDATE interactions SET id = -5 WHERE id = 1")

    assert import_store(db.with_name("other.db"), part).calls == 2


def test_newer_store_damaged_file_and_the_store_itself_are_refused(db: Path, part: Path) -> None:
    record_some()
    export_runs(db, ["forge-a-01"], part)
    change(part, "UPDATE alembic_version SET version_num = '999_future'")

    with pytest.raises(StoreNewer):
        import_store(db, part)
    part.write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(StoreUnreadable):
        import_store(db, part)
    with pytest.raises(StoreUnavailable):
        import_store(db, db)


def test_revision_that_is_no_name_is_shown_in_part(db: Path, part: Path) -> None:
    record_some()
    export_runs(db, ["forge-a-01"], part)
    change(
        part,
        "UPDATE alembic_version SET version_num ="
        " char(27) || '[31m' || char(10) || replace(hex(zeroblob(50000)), '0', 'x')",
    )

    with pytest.raises(StoreNewer, match=r"is at revision '\\x1b\[31m\\nx{34}'\.\.\., newer"):
        import_store(db, part)
    assert len(str(check_store(part).revision)) < 60


def test_schema_of_a_file_that_is_read_may_call_no_function(db: Path) -> None:
    record_some()

    with closing(open_for_reading(db)) as connection:
        assert connection.execute("PRAGMA trusted_schema").fetchone() == (0,)


def add_frame(connection: sqlite3.Connection, number: int, frame: Packed) -> None:
    values = (number, "x", "zstd", 1, "x", "x", 1, frame.directory_json, frame.data)
    connection.execute("INSERT INTO archives VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def test_frames_and_values_are_bounded(
    db: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_some()
    export_runs(db, ["forge-a-01", "forge-b-02"], part)
    with closing(sqlite3.connect(part)) as connection, connection:
        add_frame(connection, 1, BOMB)
        connection.execute("UPDATE interactions SET archive_id = 1, user_prompt = '' WHERE id = 1")
        connection.execute("UPDATE interactions SET response = zeroblob(300000) WHERE id = 2")
    monkeypatch.setattr(foreign, "MOST_FRAME_BYTES", 100_000)
    monkeypatch.setattr(foreign, "MOST_ROW_BYTES", 200_000)

    done = import_store(db.with_name("other.db"), part)

    assert done == Transfer(runs=2, calls=2, unreadable=2)


def test_row_that_is_small_until_it_is_unpacked_is_left_out(
    db: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_some()
    export_runs(db, ["forge-a-01"], part)
    texts = [b"\0" * 150_000, b"\0" * 150_000, None, None, None]
    with closing(sqlite3.connect(part)) as connection, connection:
        add_frame(connection, 1, pack([(1, texts), (2, [b"short", b"too", None, None, None])]))
        connection.execute("UPDATE interactions SET archive_id = 1, user_prompt = ''")
        connection.execute("UPDATE interactions SET system_prompt = '', response = NULL")
    monkeypatch.setattr(foreign, "MOST_ROW_BYTES", 200_000)

    done = import_store(db.with_name("other.db"), part)

    assert done == Transfer(runs=1, calls=1, unreadable=1)
    assert [call["user_prompt"] for call in read(db.with_name("other.db"))] == ["too"]


def test_store_that_unpacks_to_far_more_than_it_is_is_refused(
    db: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_some()
    export_runs(db, ["forge-a-01"], part)
    with closing(sqlite3.connect(part)) as connection, connection:
        for number in range(20):
            add_frame(connection, number, BOMB)
    monkeypatch.setattr(handover, "LEAST_TEXT_BYTES", 100_000)
    monkeypatch.setattr(handover, "MOST_GROWTH", 10)

    with pytest.raises(StoreUnreadable, match="would unpack to 6,000,000"):
        import_store(db.with_name("other.db"), part)
    assert not db.with_name("other.db").exists()


def test_store_that_the_disk_has_no_room_for_is_refused(
    db: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_some()
    export_runs(db, ["forge-a-01"], part)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))

    with pytest.raises(StoreUnavailable, match="bytes of free space in"):
        import_store(db.with_name("new") / "other.db", part)
    assert not db.with_name("new").exists()


def test_frames_are_unpacked_once_whatever_order_their_rows_stand_in(
    db: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        record_call(f"forge-{number % 6}", entry_id=f"e{number}", user_prompt=f"question {number}")
    expected = read(db)
    export_runs(db, [f"forge-{number}" for number in range(6)], part)
    with closing(sqlite3.connect(part)) as connection, connection:
        rows = connection.execute("SELECT id, user_prompt FROM interactions ORDER BY id").fetchall()
        for frame in range(6):
            texts = [(i, [None, text.encode(), None, None, None]) for i, text in rows[frame::6]]
            add_frame(connection, frame + 1, pack(texts))
            ids = [(frame + 1, number) for number, _ in texts]
            update = "UPDATE interactions SET user_prompt = '', archive_id = ? WHERE id = ?"
            connection.executemany(update, ids)
    unpacked: list[int] = []
    real = frames._decompress

    def count(data: bytes, size: int) -> Iterator[bytes]:
        unpacked.append(size)
        return real(data, size)

    monkeypatch.setattr(frames, "_decompress", count)

    import_store(db.with_name("other.db"), part)

    prompts = {call["entry_id"]: call["user_prompt"] for call in read(db.with_name("other.db"))}
    assert prompts == {call["entry_id"]: call["user_prompt"] for call in expected}
    assert len(unpacked) <= 6


def test_calls_that_are_archived_during_an_import_are_merged(
    db: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_some()
    export_runs(db, ["forge-a-01", "forge-b-02"], part)
    real = foreign.ForeignStore.iterate_runs

    def archive_meanwhile(store: foreign.ForeignStore) -> Iterator[Mapping[str, object]]:
        yield from real(store)
        archive(part, datetime.now(UTC))

    monkeypatch.setattr(foreign, "_IDS_A_READ", 2)
    monkeypatch.setattr(foreign.ForeignStore, "iterate_runs", archive_meanwhile)

    assert import_store(db.with_name("other.db"), part) == Transfer(runs=2, calls=4)
    assert read(db.with_name("other.db")) == read(db)


def test_calls_whose_frame_is_missing_or_damaged_are_left_out(db: Path, part: Path) -> None:
    record_some()
    export_runs(db, ["forge-a-01", "forge-b-02"], part)
    archive(part, datetime.now(UTC))
    change(
        part,
        "UPDATE archives SET data = zeroblob(100)",
        "UPDATE interactions SET archive_id = 99 WHERE id = 4",
    )

    done = import_store(db.with_name("other.db"), part)

    assert done == Transfer(runs=2, calls=0, unreadable=4)


def test_other_names_of_the_store_are_refused(db: Path, tmp_path: Path) -> None:
    record_some()
    before = read(db)
    hard, soft = tmp_path / "hard.db", tmp_path / "soft.db"
    hard.hardlink_to(db)
    soft.symlink_to(db)

    for one, other in ((db, hard), (db, soft), (soft, db), (soft, hard)):
        with pytest.raises(StoreUnavailable, match="is the database itself"):
            import_store(one, other)
    assert read(db) == before
    assert list(tmp_path.glob("*.db-*")) == []


def test_computed_columns_are_not_read(db: Path, part: Path) -> None:
    record_some()
    export_runs(db, ["forge-a-01"], part)
    change(
        part,
        "ALTER TABLE runs RENAME COLUMN description TO other",
        "ALTER TABLE runs ADD COLUMN description TEXT AS (hex(zeroblob(9000000)))",
    )

    assert import_store(db.with_name("other.db"), part).runs == 1
    assert read(db.with_name("other.db"), "runs")[0]["description"] is None


def test_facts_that_are_looked_up_by_reading_all_of_them_are_refused(db: Path, part: Path) -> None:
    record_some()
    export_runs(db, ["forge-a-01"], part)
    change(
        part,
        "DROP TRIGGER tr_interactions_delete",
        "CREATE TABLE other AS SELECT * FROM call_facts",
        "DROP TABLE call_facts",
        "ALTER TABLE other RENAME TO call_facts",
    )

    with pytest.raises(StoreUnreadable):
        import_store(db.with_name("other.db"), part)


@pytest.mark.parametrize("seed", range(2))
def test_damaged_pages_cost_their_rows_or_the_import_alone(
    db: Path, part: Path, tmp_path: Path, seed: int
) -> None:
    record_some()
    export_runs(db, ["forge-a-01", "forge-b-02"], part)
    archive(part, datetime.now(UTC))
    flush()
    sound, chance = part.read_bytes(), random.Random(seed)  # noqa: S311 - to do the same again

    for number in range(8):
        damaged = bytearray(sound)
        for _ in range(chance.choice((1, 30))):
            page = chance.randrange(1, len(sound) // 4096) * 4096
            damaged[page + chance.randrange(chance.choice((12, 4096)))] = chance.randrange(256)
        file = tmp_path / f"damaged-{number}.db"
        file.write_bytes(damaged)
        with suppress(StoreUnreadable):
            import_store(db.with_name("other.db"), file)

    assert not any(call["broken"] for call in read(db.with_name("other.db")))


def test_journal_that_would_delete_a_file_keeps_a_store_from_being_opened(
    db: Path, part: Path, tmp_path: Path
) -> None:
    record_some()
    export_runs(db, ["forge-a-01"], part)
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    leave_hot_journal(part, precious)

    for act in (lambda: import_store(db, part), lambda: read(part), lambda: upgrade(part)):
        with pytest.raises(StoreUnavailable, match="journal names another file"):
            act()
    assert precious.read_text() == "mine"


def leave_hot_journal(path: Path, named: Path) -> None:
    """Leave what a killed writer of several databases leaves, naming a file of one's choice."""
    journal = path.with_name(f"{path.name}-journal")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size=1")
        connection.execute("BEGIN")
        connection.execute("UPDATE interactions SET response = hex(randomblob(100000))")
        left = bytearray(journal.read_bytes())
        connection.execute("ROLLBACK")
    name = os.fsencode(named)
    end = struct.pack(">I", 0x40000000 // 4096 + 1) + name
    end += struct.pack(">II", len(name), sum(name)) + bytes.fromhex("d9d505f920a163d7")
    journal.write_bytes(bytes(left) + end)
