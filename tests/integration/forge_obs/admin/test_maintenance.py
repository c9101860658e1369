"""A store that is in use is pruned, copied and exported."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import namedtuple
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from forge_obs import StoreReader, flush, get_engine, record, upgrade
from forge_obs.admin.maintenance import Extent, back_up, count_prunable, prune
from support.children import run_in_child
from support.faults import mount_small
from support.forge import Forge, Outcome
from support.terminal import on_terminal
from support.waiting import wait_until

DiskUsage = namedtuple("DiskUsage", "total used free")

NOW = datetime(2026, 11, 24, tzinfo=UTC)
MONTH_AGO = NOW - timedelta(days=30)
OLD, RECENT = "2026-09-01T00:00:00.000000Z", "2026-11-20T00:00:00.000000Z"


@pytest.fixture
def db_path() -> Path:
    return Path(os.environ["FORGE_DB_PATH"])


def put_run(workflow_id: str, status: str = "success", *, calls: int = 2, size: int = 1000) -> None:
    assert record("run", task_id="t", workflow_id=workflow_id, status=status)  # type: ignore[call-overload]
    for number in range(calls):
        put_call(workflow_id, number, size=size)


def put_call(workflow_id: str | None, number: int = 0, *, size: int = 1000) -> None:
    assert record(
        "interaction",
        task_id="t",
        role="llm",
        system_prompt=f"call {number}",
        user_prompt="u" * size,
        workflow_id=workflow_id,
    )


def execute(path: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def age(path: Path, workflow_id: str, moment: str = OLD) -> None:
    """Let a run and its calls have been made and ended at a moment."""
    execute(
        path,
        "UPDATE runs SET created_at = ?1, finished_at = nullif(?1, status = 'running') "
        "WHERE workflow_id = ?2",
        moment,
        workflow_id,
    )
    execute(
        path, "UPDATE interactions SET created_at = ? WHERE workflow_id = ?", moment, workflow_id
    )


def list_kept(path: Path) -> tuple[list[str], list[str | None]]:
    """Give the workflow ids of runs and of calls."""
    with closing(sqlite3.connect(path)) as connection:
        runs = connection.execute("SELECT workflow_id FROM runs ORDER BY id").fetchall()
        calls = connection.execute("SELECT workflow_id FROM interactions ORDER BY id").fetchall()
    return [row[0] for row in runs], [row[0] for row in calls]


def test_runs_that_ended_long_ago_go_with_their_calls(db_path: Path) -> None:
    for workflow_id, status in [("old", "success"), ("failed", "error"), ("open", "running")]:
        put_run(workflow_id, status)
        age(db_path, workflow_id)
    put_run("recent")
    age(db_path, "recent", RECENT)

    counted = count_prunable(get_engine(db_path), MONTH_AGO)
    done = prune(db_path, MONTH_AGO)

    assert counted == done.deleted == Extent(runs=2, calls=4)
    assert list_kept(db_path) == (["open", "recent"], ["open", "open", "recent", "recent"])


def test_interrupted_run_goes_by_its_last_sign_of_life(forge: Forge, db_path: Path) -> None:
    script = (
        "from forge_obs import record\n"
        "for name in ('silent', 'seen'):\n"
        "    record('run', task_id='t', workflow_id=name, status='running', result={})\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    put_run("alive", "running", calls=0)
    for name, seen_at in (("silent", OLD), ("seen", RECENT)):
        age(db_path, name)
        last = "UPDATE runs SET seen_at = ?, finished_at = NULL WHERE workflow_id = ?"
        execute(db_path, last, seen_at, name)

    tried = forge("db", "prune", "--older-than", "2026-11-01", "--dry-run")
    done = forge("db", "prune", "--older-than", "2026-11-01", "--yes")

    assert tried.stdout.startswith("1 run, 1 of them interrupted, and 0 calls are older than")
    assert done.stdout.startswith("1 run and 0 calls deleted")
    assert list_kept(db_path)[0] == ["seen", "alive"]


def test_calls_of_no_run_go_by_their_own_age(db_path: Path) -> None:
    put_call("elsewhere")
    put_call(None)
    execute(db_path, "UPDATE interactions SET created_at = ?", OLD)
    put_call(None)

    assert prune(db_path, MONTH_AGO).deleted == Extent(runs=0, calls=2)
    assert list_kept(db_path) == ([], [None])


def test_workflow_that_was_run_again_since_is_left_whole(db_path: Path) -> None:
    put_run("again")
    age(db_path, "again")
    record("run", task_id="t", workflow_id="again", run_id="second", status="running")

    assert prune(db_path, MONTH_AGO).deleted == Extent(0, 0)
    assert list_kept(db_path) == (["again", "again"], ["again", "again"])


def test_disk_is_given_back(db_path: Path) -> None:
    put_run("old", calls=30, size=100_000)
    age(db_path, "old")
    put_run("recent")
    flush()
    size = db_path.stat().st_size

    done = prune(db_path, MONTH_AGO)

    assert done.obstacle is None
    assert done.freed_bytes > 2_900_000
    assert db_path.stat().st_size < size - 2_900_000


def test_file_that_cannot_be_made_smaller_is_said_so(
    db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forge_obs.database.files.SHRINK_WAIT_S", 0.1)
    put_run("old")
    age(db_path, "old")
    with closing(sqlite3.connect(db_path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM runs").fetchone()

        done = prune(db_path, MONTH_AGO)

    assert done.deleted.runs == 1
    assert list_kept(db_path) == ([], [])


WRITER = """
import sys
from pathlib import Path
from forge_obs import flush, record
count = 0
Path(sys.argv[1], "started").touch()
while not Path(sys.argv[1], "stop").exists():
    count += 1
    record("interaction", task_id="live", role="llm", system_prompt=str(count),
           user_prompt="u" * 2000, workflow_id="live")
flush()
print(count)
"""


def test_nothing_is_lost_that_others_record_meanwhile(db_path: Path, tmp_path: Path) -> None:
    for number in range(20):
        put_run(f"old-{number}", calls=20, size=20_000)
        age(db_path, f"old-{number}")
    flush()
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE, text=True
    ) as writer:
        try:
            wait_until((tmp_path / "started").exists, "the writer starts")
            done = prune(db_path, MONTH_AGO)
            copied = back_up(db_path, tmp_path / "copy.db")
        finally:
            (tmp_path / "stop").touch()
        count = int(writer.communicate(timeout=60)[0])

    upgrade(db_path)  # stores what waits beside the database
    _, calls = list_kept(db_path)
    assert done.deleted == Extent(20, 400)
    assert calls == ["live"] * count
    assert copied > 0
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        texts = copy.execute("SELECT system_prompt FROM interactions ORDER BY id").fetchall()
    assert [text for (text,) in texts] == [str(number + 1) for number in range(len(texts))]


def test_copy_is_private_and_whole(db_path: Path, tmp_path: Path) -> None:
    put_run("w")

    back_up(db_path, tmp_path / "copy.db")

    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert list_kept(tmp_path / "copy.db") == (["w"], ["w", "w"])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *((f"forge.db{end}", 3) for end in ("", "-wal", "-journal", "-spool", "-lost")),
        ("taken", 2),
        ("link", 2),
    ],
)
def test_backup_overwrites_nothing(forge: Forge, db_path: Path, name: str, code: int) -> None:
    put_run("w")
    flush()
    target = db_path.with_name(name)
    db_path.with_name("taken").write_text("precious")
    db_path.with_name("link").symlink_to(db_path.with_name("nothing"))
    before = {path: path.lstat().st_size for path in db_path.parent.iterdir()}

    outcome = forge("db", "backup", str(target))

    assert outcome.code == code
    assert "choose another file" in outcome.error
    assert {path: path.lstat().st_size for path in db_path.parent.iterdir()} == before


def find_kept(db_path: Path) -> Path:
    """Find what a restored database held before."""
    [kept] = (f for f in db_path.parent.glob(f"{db_path.name}-before-*") if f.suffix != "-wal")
    return kept


def test_backup_is_put_back_and_what_stood_there_is_kept(
    forge: Forge, db_path: Path, tmp_path: Path
) -> None:
    put_run("old")
    back_up(db_path, tmp_path / "copy.db")
    put_run("new")

    outcome = forge("db", "restore", str(tmp_path / "copy.db"))

    assert (outcome.code, outcome.stderr) == (0, "")
    assert str(find_kept(db_path)) in outcome.stdout
    assert list_kept(db_path) == (["old"], ["old", "old"])
    assert list_kept(find_kept(db_path))[0] == ["old", "new"]
    assert find_kept(db_path).stat().st_mode & 0o777 == 0o600


def test_backup_is_put_in_the_place_of_a_damaged_database(
    forge: Forge, db_path: Path, tmp_path: Path
) -> None:
    put_run("old")
    back_up(db_path, tmp_path / "copy.db")
    flush()
    db_path.write_bytes(b"this is no database " * 1000)

    outcome = forge("db", "restore", str(tmp_path / "copy.db"))

    assert outcome.code == 0
    assert list_kept(db_path) == (["old"], ["old", "old"])
    assert find_kept(db_path).read_bytes().startswith(b"this is no database")


def test_backup_is_put_where_there_is_no_database_yet(
    forge: Forge, db_path: Path, tmp_path: Path
) -> None:
    put_run("old")
    flush()
    db_path.rename(tmp_path / "copy.db")

    assert forge("db", "restore", str(tmp_path / "copy.db")).code == 0

    assert list_kept(db_path) == (["old"], ["old", "old"])
    assert list(db_path.parent.glob("*-before-*")) == []


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("none.db", 2, "there is no backup at"),
        ("text.db", 3, "no backup of a store"),
        ("empty.db", 3, "is no sound store"),
        ("newer.db", 3, "newer than this forge"),
        ("forge.db", 3, "belongs to the database itself"),
    ],
)
def test_what_is_no_backup_changes_nothing(
    forge: Forge, db_path: Path, name: str, code: int, said: str
) -> None:
    put_run("w")
    back_up(db_path, db_path.with_name("newer.db"))
    execute(db_path.with_name("newer.db"), "UPDATE alembic_version SET version_num = '999_next'")
    db_path.with_name("text.db").write_text("this is no database " * 1000)
    db_path.with_name("empty.db").touch()

    outcome = forge("db", "restore", str(db_path.with_name(name)))

    assert outcome.code == code
    assert said in outcome.error
    assert list_kept(db_path) == (["w"], ["w", "w"])
    assert list(db_path.parent.glob("*-before-*")) == []


def test_spool_that_cannot_be_read_makes_no_schema_unreadable(forge: Forge, db_path: Path) -> None:
    put_run("w")
    flush()
    spool = Path(f"{db_path}-spool")
    spool.mkdir()

    outcome = forge("db", "check")

    assert outcome.code == 1
    assert "schema     current" in outcome.stdout
    assert f"pending    unreadable: {spool}" in outcome.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
@pytest.mark.parametrize(
    ("seen", "room"),
    [(True, 10_500_000), (False, 6_000_000)],
    ids=["seen in time, room for one copy", "seen too late"],
)
def test_file_that_has_no_room_beside_it_stays_as_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: bool, room: int
) -> None:
    (small := tmp_path / "small").mkdir()
    path = small / "forge.db"
    monkeypatch.setenv("FORGE_DB_PATH", str(path))
    monkeypatch.setenv("SQLITE_TMPDIR", str(small))

    def survives() -> bool:
        mount_small(small, size="40m")
        upgrade(path)
        put_run("old", calls=8, size=250_000)
        put_run("new", calls=30, size=250_000)
        age(path, "old")
        flush()
        (small / "filler").write_bytes(bytes(shutil.disk_usage(small).free - room))
        if not seen:
            monkeypatch.setattr(shutil, "disk_usage", lambda _: DiskUsage(1 << 40, 0, 1 << 40))
        done = prune(path, MONTH_AGO)

        assert done.deleted == Extent(1, 8)
        assert done.obstacle is not None
        assert ("bytes of free space" in done.obstacle) == seen, done.obstacle
        put_call("new")
        return list_kept(path) == (["new"], ["new"] * 31)

    assert run_in_child(survives)


def test_every_row_is_exported_as_one_line(forge: Forge, db_path: Path, tmp_path: Path) -> None:
    for number in range(3):
        put_run(f"w{number}", calls=15)
    execute(
        db_path, "UPDATE interactions SET system_prompt = ? WHERE id = 1", "a\u202e\x1b[2J\u2028"
    )

    printed = forge("db", "export", "--jsonl").stdout
    written = forge("db", "export", "--output", str(tmp_path / "store.jsonl"))

    rows: list[dict[str, Any]] = [json.loads(line) for line in printed.splitlines()]
    assert [row["table"] for row in rows] == ["runs"] * 3 + ["interactions"] * 45
    assert rows[3]["system_prompt"] == "a\u202e\x1b[2J\u2028"
    assert printed.isascii()
    assert (written.code, (tmp_path / "store.jsonl").read_text()) == (0, printed)
    assert (tmp_path / "store.jsonl").stat().st_mode & 0o777 == 0o600


def test_export_holds_a_few_rows_at_a_time(db_path: Path) -> None:
    put_run("w", calls=50)
    reader = StoreReader.open(db_path)
    assert reader is not None

    rows = reader.iterate_rows("interactions")
    first = next(rows)
    execute(db_path, "DELETE FROM interactions WHERE id > 20")

    assert [first.id, *(row.id for row in rows)] == list(range(1, 21))


def test_export_of_no_store_is_empty(forge: Forge) -> None:
    assert forge("db", "export", "--jsonl") == Outcome(0, "", "nothing is on record yet\n")


def test_pruning_says_what_it_did(forge: Forge, db_path: Path) -> None:
    put_run("old")
    age(db_path, "old", "2020-01-01T00:00:00.000000Z")

    tried = forge("db", "prune", "--older-than", "30d", "--dry-run")
    done = forge("db", "prune", "--older-than", "30d", "--yes")

    assert tried.stdout.startswith("1 run and 2 calls are older than ")
    assert done.stdout.startswith("1 run and 2 calls deleted, ")
    assert list_kept(db_path) == ([], [])


def test_nothing_old_is_no_question(forge: Forge) -> None:
    put_run("recent")

    outcome = forge("db", "prune", "--older-than", "30d")

    assert (outcome.code, outcome.stdout) == (0, "nothing is old enough to be deleted\n")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        pytest.param(["--older-than", "soon"], "--older-than 'soon' is neither", id="age"),
        pytest.param(["--older-than", "30d"], "give --yes", id="nobody to ask"),
    ],
)
def test_pruning_without_a_clear_word_deletes_nothing(
    forge: Forge, db_path: Path, args: list[str], message: str
) -> None:
    put_run("old")
    age(db_path, "old", "2020-01-01T00:00:00.000000Z")

    outcome = forge("db", "prune", *args)

    assert outcome.code == 2
    assert message in outcome.error
    assert list_kept(db_path)[0] == ["old"]


@pytest.mark.parametrize(("answer", "kept"), [("y", []), ("", ["old"])])
def test_question_on_a_terminal_is_answered_no_by_default(
    db_path: Path, answer: str, kept: list[str]
) -> None:
    put_run("old")
    age(db_path, "old", "2020-01-01T00:00:00.000000Z")
    command = [sys.executable, "-m", "forge_cli", "db", "prune", "--older-than", "30d"]

    with on_terminal(command, {}) as terminal:
        terminal.wait_for("[y/N] ")
        terminal.type(f"{answer}\n")
        terminal.read_to_end()

    assert list_kept(db_path)[0] == kept
