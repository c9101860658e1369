"""No WAL mode where several machines may open the database.

A network file system takes a server: what Linux says of the mounts is a file of the test's own, and
all that follows from it is real.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from forge_obs import check_store, flush, get_interactions, open_reader, record
from forge_obs.database.commits.sqlite_writer import LogConnection
from support.waiting import wait_until


@pytest.fixture
def db(private_environment: Path) -> Path:
    return private_environment / "forge.db"


def put_on_network(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = db.with_name("mountinfo")
    point = str(db.parent.resolve()).replace(" ", "\\040")
    mounts.write_text(
        f"27 1 254:0 / / rw - ext4 /dev/vda rw\n40 27 0:40 / {point} rw - nfs4 server:/x rw\n"
    )
    monkeypatch.setattr("forge_obs.environment.process._MOUNTS", mounts)


def interaction() -> bool:
    return record("interaction", task_id="t", role="llm", system_prompt="s", user_prompt="u")


def journal_mode(db: Path) -> str:
    with closing(sqlite3.connect(db)) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def test_database_on_a_network_has_no_log_and_one_warning(
    db: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put_on_network(db, monkeypatch)

    for _ in range(3):
        assert interaction()
        flush()

    assert journal_mode(db) == "delete"
    assert not db.with_name("forge.db-wal").exists()
    engine = open_reader(db)
    assert engine is not None
    assert len(get_interactions(engine)) == 3
    assert check_store(db).ok
    assert [line for line in caplog.messages if "nfs4" in line] == caplog.messages
    assert len(caplog.messages) == 1


def test_many_rows_on_a_network_need_no_log(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[LogConnection] = []
    sync = LogConnection.sync

    def watched_sync(log: LogConnection) -> None:
        sync(log)
        opened.append(log)

    monkeypatch.setattr(LogConnection, "sync", watched_sync)
    put_on_network(db, monkeypatch)

    def record_until_opened() -> bool:
        # Here the thread may find the file locked by the very commit that called for it.
        assert all(interaction() for _ in range(24))
        return bool(opened)

    wait_until(record_until_opened, "the thread that looks after the log")
    assert len(set(opened)) == 1
    assert not db.with_name("forge.db-wal").exists()


def test_database_that_moved_to_a_network_leaves_wal_mode(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert interaction()
    flush()
    assert journal_mode(db) == "wal"
    moved = db.rename(db.with_name("moved.db"))
    monkeypatch.setenv("FORGE_DB_PATH", str(moved))
    put_on_network(moved, monkeypatch)

    assert interaction()

    assert journal_mode(moved) == "delete"


def test_system_that_tells_nothing_of_mounts_uses_wal_mode(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forge_obs.environment.process._MOUNTS", db.with_name("absent"))

    assert interaction()

    assert journal_mode(db) == "wal"
