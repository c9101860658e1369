"""The write-ahead log stays bounded, whoever reads, forks, dies or cannot start a thread."""

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest
from forge_obs import flush, record
from forge_obs.database.commits import database, sqlite_writer
from forge_obs.database.commits.checkpointer import LOG_BYTES
from support.children import NOBODY, is_alive, run_in_child, start_child, wait_for
from support.waiting import wait_until

TEXT = "x" * 400_000
BOUND = 160_000_000
"""64 MB before writers wait for what came, 48 MB that comes until then, and what is estimated."""

WITHOUT_A_THREAD = 180_000_000
"""SQLite itself moves a log from 128 MiB on, at the end of a commit."""


@pytest.fixture(autouse=True)
def _no_thread_of_another_test() -> None:
    flush()
    wait_until(lambda: not movers(), "the end of the threads")


@pytest.fixture
def db(private_environment: Path) -> Path:
    return private_environment / "forge.db"


def write(rows: int, task_id: str = "t", text: str = TEXT) -> bool:
    return all(
        record("interaction", task_id=task_id, role="llm", system_prompt="s", user_prompt=text)
        for _ in range(rows)
    )


def log_bytes(db: Path) -> int:
    return db.with_name(f"{db.name}-wal").stat().st_size


def movers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "forge-obs-log"]


def count_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def count_rows(db: Path) -> int:
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return int(connection.execute("SELECT count(*) FROM interactions").fetchone()[0])


def test_log_of_busy_threads_stays_bounded(db: Path) -> None:
    threads = [threading.Thread(target=write, args=(100,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert log_bytes(db) < BOUND
    assert count_rows(db) == 800


def test_log_of_busy_processes_stays_bounded(db: Path) -> None:
    children = [start_child(lambda: write(240)) for _ in range(4)]
    lengths: list[int] = []

    def all_have_ended() -> bool:
        with suppress(FileNotFoundError):
            lengths.append(log_bytes(db))
        return not any(map(is_alive, children))

    wait_until(all_have_ended, "the writers")

    assert [wait_for(child) for child in children] == [True] * 4
    assert LOG_BYTES < max(lengths) < 2 * BOUND
    assert write(60)
    assert count_rows(db) == 1020


def test_log_stays_bounded_where_no_thread_can_start() -> None:
    def write_alone() -> bool:
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        with tempfile.TemporaryDirectory() as directory:
            os.environ["FORGE_DB_PATH"] = f"{directory}/forge.db"
            done = write(500)
            return (
                done
                and not movers()
                and log_bytes(Path(directory, "forge.db")) < (WITHOUT_A_THREAD)
            )

    # The limit means nothing to root.
    assert run_in_child(write_alone, uid=NOBODY if os.geteuid() == 0 else None)


def test_log_is_short_again_after_a_long_read(db: Path) -> None:
    assert write(1)
    with closing(sqlite3.connect(db, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM interactions").fetchone()
        assert write(450)
        assert log_bytes(db) > 450 * len(TEXT)
        reader.execute("ROLLBACK")

    wait_until(lambda: write(45) and log_bytes(db) < BOUND, "a short log")


def test_few_rows_start_no_thread(db: Path) -> None:
    assert write(10)

    assert movers() == []
    assert log_bytes(db) > 0


def test_many_short_rows_of_one_thread_reach_the_disk_before_the_log_is_moved(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = sqlite_writer._sync

    def watched_sync(descriptor: int) -> None:
        sync(descriptor)
        synced.append(Path(f"/dev/fd/{descriptor}").resolve().name)

    monkeypatch.setattr(sqlite_writer, "_sync", watched_sync)
    assert write(150, text="short")
    assert movers() == []

    assert write(150, text="short")

    wait_until(lambda: synced, "the disk")
    assert set(synced) == {"forge.db-wal"}
    assert log_bytes(db) < LOG_BYTES
    descriptors = count_descriptors()
    wait_until(lambda: not movers(), "the end of the thread")
    assert count_descriptors() < descriptors


def test_thread_ends_when_there_is_nothing_to_do(db: Path) -> None:
    assert write(60)
    assert len(movers()) == 1
    descriptors = count_descriptors()

    wait_until(lambda: not movers(), "the end of the thread")

    assert count_descriptors() <= descriptors
    assert write(60)
    assert count_rows(db) == 120


def test_thread_does_not_keep_the_interpreter_alive(db: Path) -> None:
    script = (
        "import threading\nfrom forge_obs import record\n"
        "for _ in range(60): assert record('interaction', task_id='t', role='llm',"
        " system_prompt='', user_prompt='x' * 400_000)\n"
        "assert 'forge-obs-log' in [thread.name for thread in threading.enumerate()]\n"
    )

    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)

    assert count_rows(db) == 60


def test_flush_ends_the_thread_and_closes_what_it_has_open(db: Path) -> None:
    assert write(60)
    flush()
    wait_until(lambda: not movers(), "the end of the thread")

    assert not db.with_name(f"{db.name}-wal").exists()
    assert write(1)
    assert count_rows(db) == 61


def test_flush_opens_no_database_that_has_no_log(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        monkeypatch.setenv("FORGE_DB_PATH", str(tmp_path / f"{number}.db"))
        assert write(1, text="short")
    flush()
    opened: list[Path] = []

    def connect(path: Path) -> sqlite_writer.LogConnection:
        opened.append(path)
        return sqlite_writer.LogConnection(path)

    monkeypatch.setattr(database, "LogConnection", connect)
    monkeypatch.setenv("FORGE_DB_PATH", str(db))
    assert write(1, text="short")

    flush()

    assert opened == [db]
    assert not db.with_name(f"{db.name}-wal").exists()


def test_fork_while_the_log_is_moved_loses_nothing(db: Path) -> None:
    for number in range(8):
        assert write(45, f"parent {number}")
        assert run_in_child(lambda: write(3, "child"))

    assert write(1)
    assert count_rows(db) == 8 * 48 + 1


@pytest.mark.parametrize("rounds", [4, pytest.param(50, marks=pytest.mark.soak)])
def test_kill_while_the_log_is_moved_loses_nothing_acknowledged(db: Path, rounds: int) -> None:
    acknowledged = 0
    for _ in range(rounds):
        reading, writing = os.pipe()

        def write_on(writing: int = writing) -> bool:
            while write(1):
                os.write(writing, b".")
            return False

        child = start_child(write_on)
        os.close(writing)
        wanted = random.randrange(1, 150)  # noqa: S311 - no secret
        with os.fdopen(reading, "rb") as acknowledgements:
            acknowledged += len(acknowledgements.read(wanted))
            os.kill(child, signal.SIGKILL)
            acknowledged += len(acknowledgements.read())
        assert not wait_for(child)

    assert acknowledged <= count_rows(db) <= acknowledged + rounds
    assert write(1)


def test_database_replaced_while_the_log_is_moved_is_noticed(db: Path, tmp_path: Path) -> None:
    assert write(45)
    db.rename(tmp_path / "moved.db")
    db.with_name("forge.db-wal").rename(tmp_path / "moved.db-wal")

    assert write(2)

    assert count_rows(db) == 2
