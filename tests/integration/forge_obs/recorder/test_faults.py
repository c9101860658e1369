"""record() on a store that cannot be written: bounded, counted, and well again afterwards."""

import logging
import os
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from forge_obs import (
    Backlog,
    StoreUnavailable,
    delivery,
    flush,
    get_backlog,
    get_db_path,
    get_interactions,
    lost_count,
    open_reader,
    record,
    upgrade,
)
from support.children import run_in_child
from support.store import eventually, locked


@pytest.fixture
def db(private_environment: Path) -> Path:
    return private_environment / "forge.db"


def interaction(task_id: str = "t", user_prompt: str = "u") -> bool:
    return record(
        "interaction", task_id=task_id, role="llm", system_prompt="s", user_prompt=user_prompt
    )


def count_rows(db: Path) -> int:
    engine = open_reader(db)
    return 0 if engine is None else len(get_interactions(engine))


def test_locked_database_costs_one_deadline_then_nothing_and_heals(
    db: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert interaction()
    before = lost_count()
    with locked(db):
        started = time.monotonic()
        assert not interaction()
        first_s = time.monotonic() - started
        assert not any(interaction() for _ in range(50))
        rest_s = time.monotonic() - started - first_s

    assert first_s > 1.5
    assert rest_s < 1.5  # not even one more deadline, let alone fifty
    assert (lost_count(), get_backlog(db)) == (before, Backlog(pending=51))
    assert eventually(interaction)
    assert count_rows(db) >= 53
    assert get_backlog(db) == Backlog()
    warnings = [message for message in caplog.messages if "not stored yet: " in message]
    assert len(warnings) == 1
    assert "SQLITE_BUSY" in warnings[0]
    assert any("works again" in message for message in caplog.messages)


def test_short_lock_is_waited_for(db: Path) -> None:
    assert interaction()
    done: list[bool] = []
    writer = threading.Thread(target=lambda: done.append(interaction()))
    with locked(db):
        writer.start()
        writer.join(timeout=0.3)
        assert done == []
    writer.join(timeout=10)

    assert done == [True]


def test_row_at_fault_does_not_hold_back_the_next(db: Path) -> None:
    assert interaction()
    with closing(sqlite3.connect(db)) as connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON interactions WHEN new.task_id = 'bad'"
            " BEGIN SELECT RAISE(ABORT, 'no'); END"
        )

    assert not interaction(task_id="bad")
    assert interaction(task_id="good")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.mkdir(),
        lambda path: path.write_text("this is no database at all " * 100),
        os.mkfifo,
    ],
    ids=["directory", "text file", "fifo"],
)
def test_something_else_in_place_of_the_database_is_survived(
    db: Path, spoil: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    spoil(db)

    started = time.monotonic()
    assert not any(interaction() for _ in range(3))

    assert time.monotonic() - started < 3.0
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("through_a_link", [False, True], ids=["device", "link"])
def test_device_takes_no_record_and_nothing_is_written_beside_it(
    db: Path, monkeypatch: pytest.MonkeyPatch, through_a_link: bool
) -> None:
    device = Path("/dev/null")
    if through_a_link:
        db.symlink_to(device)
    path = db if through_a_link else device
    monkeypatch.setenv("FORGE_DB_PATH", str(path))

    assert not any(interaction() for _ in range(2))

    assert (lost_count(), get_backlog(path).lost) == (2, 2)
    assert list(path.parent.glob(f"{path.name}-*")) == []
    with pytest.raises(StoreUnavailable, match="is a device"):
        upgrade(path)


def test_link_to_a_file_that_is_yet_to_be_made_is_followed(db: Path) -> None:
    target = db.parent / "no" / "such" / "place.db"
    db.symlink_to(target)

    assert interaction()

    assert target.stat().st_mode & 0o777 == 0o600
    assert count_rows(db) == 1


@pytest.mark.parametrize(
    "path",
    ["/proc/forge/forge.db", "/dev/null/forge.db", "/tmp/" + "x" * 300, "nul\0byte.db"],  # noqa: S108
    ids=["proc", "below a file", "long name", "nul"],
)
def test_impossible_path_is_survived(
    path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if "\0" in path:
        monkeypatch.setattr("forge_obs.recorder.get_db_path", lambda: Path(path))
    else:
        monkeypatch.setenv("FORGE_DB_PATH", path)

    assert not interaction()
    assert len(caplog.messages) == 1


def test_missing_home_is_survived(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("FORGE_DB_PATH")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr("forge_obs.environment.process._registered_home", lambda: None)
    with pytest.raises(StoreUnavailable):
        get_db_path()

    assert not interaction()
    assert "set FORGE_DB_PATH" in caplog.text


def test_full_disk_is_survived_and_keeps_what_was_acknowledged(db: Path) -> None:
    def fill() -> bool:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
        written = [interaction(user_prompt="x" * 20_000) for _ in range(40)]
        kept = sum(written)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        return 0 < kept < 40 and count_rows(db) == kept and eventually(interaction)

    assert run_in_child(fill)


def test_newer_schema_stays_untouched(
    db: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert interaction()
    flush()
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '999_future'")
    # Under another path, as another process would meet it.
    newer = db.rename(db.with_name("newer.db"))
    monkeypatch.setenv("FORGE_DB_PATH", str(newer))
    before = newer.read_bytes()

    assert not interaction()

    assert "upgrade forge" in caplog.text
    assert newer.read_bytes() == before


def test_signal_handler_that_records_does_not_wait_for_what_it_interrupted(db: Path) -> None:
    db.mkdir()

    def interrupt() -> bool:
        signal.signal(signal.SIGUSR1, lambda *_: interaction())
        signal.alarm(60)  # ends a child that stands still
        with delivery._changing():
            signal.raise_signal(signal.SIGUSR1)
        return True

    assert run_in_child(interrupt)
    assert get_backlog(db).pending == 1


@pytest.mark.parametrize("failure", [RuntimeError, SystemExit])
def test_logging_that_fails_is_survived(db: Path, failure: type[BaseException]) -> None:
    def hostile(_: logging.LogRecord) -> bool:
        raise failure("no logging today")

    logging.getLogger("forge_obs").addFilter(hostile)
    db.mkdir()
    try:
        assert not interaction()
        db.rmdir()
        assert eventually(interaction)
        assert get_backlog(db) == Backlog()
    finally:
        logging.getLogger("forge_obs").removeFilter(hostile)
