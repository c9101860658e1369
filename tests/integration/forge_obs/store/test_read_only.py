"""Stores and backups on a medium that nobody may write to."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from forge_obs import (
    CallQuery,
    StoreReader,
    StoreUnavailable,
    back_up,
    check_store,
    flush,
    get_engine,
    get_interactions,
    open_reader,
    record,
    restore,
)
from forge_obs.store import parallel
from support.children import NOBODY, run_in_child
from support.store import interaction

STATUS = (sys.executable, "-m", "forge_cli", "status", "--json")
USER = NOBODY if os.geteuid() == 0 else None


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a directory that a user without rights may read."""
    directory = Path(tempfile.mkdtemp(prefix="forge-read-only-"))
    monkeypatch.setenv("FORGE_DB_PATH", str(directory / "forge.db"))
    yield directory
    directory.chmod(0o700)
    shutil.rmtree(directory)


def make_read_only(place: Path) -> None:
    for file in place.iterdir():
        file.chmod(0o444)
    place.chmod(0o555)


def read_as_user(path: Path, read: Callable[[], bool]) -> bool:
    """Read in a process that may not write, with everything imported that it needs."""
    engine = open_reader(path)
    assert engine is not None
    get_interactions(engine)
    check_store(path)
    make_read_only(path.parent)
    return run_in_child(read, uid=USER)


def mode_of(path: Path) -> bytes:
    return path.read_bytes()[18:20]


def test_cleanly_closed_store_is_read_on_a_read_only_medium(place: Path) -> None:
    db = place / "forge.db"
    assert interaction(response="kept")
    flush()

    def read() -> bool:
        reader, engine = StoreReader.open(db), open_reader(db)
        assert reader is not None
        assert engine is not None
        found = [*reader.get_interactions(), *get_interactions(engine)]
        return [row.response for row in found] == ["kept"] * 2 and check_store(db).error is None

    assert mode_of(db) == b"\x02\x02"
    assert read_as_user(db, read)
    assert [file.name for file in place.iterdir()] == ["forge.db"]


def test_backup_is_one_file_in_no_wal_mode_that_is_read_anywhere(place: Path) -> None:
    assert interaction(response="kept")
    copy = place / "copy.db"

    back_up(place / "forge.db", copy)

    def read() -> bool:
        reader = StoreReader.open(copy)
        return reader is not None and [r.response for r in reader.get_interactions()] == ["kept"]

    assert mode_of(copy) == b"\x01\x01"
    assert [file.name for file in place.glob("copy*")] == ["copy.db"]
    assert read_as_user(copy, read)


def test_backup_in_a_read_only_place_is_added_up_by_several_readers(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "WORTHWHILE", 1)
    monkeypatch.setattr(parallel, "count_readers", lambda: 2)
    copy = place / "copy.db"
    assert all(interaction() for _ in range(200))
    flush()
    back_up(place / "forge.db", copy)

    def read() -> bool:
        reader = StoreReader.open(copy)
        parts = [] if reader is None else list(reader.calls.sum(CallQuery()))
        return sum(total.calls for part in parts for total in part.sums) == 200

    assert read_as_user(copy, read)


def test_restored_backup_leaves_the_store_in_wal_mode(place: Path) -> None:
    db = place / "forge.db"
    assert interaction(response="kept")
    back_up(db, place / "copy.db")
    assert interaction(response="later")

    restore(db, place / "copy.db")
    assert interaction(response="again")
    flush()

    reader = StoreReader.open(db)
    assert reader is not None
    assert [row.response for row in reader.get_interactions()] == ["kept", "again"]
    assert mode_of(db) == b"\x02\x02"


def test_backup_that_is_used_as_a_store_is_in_wal_mode(place: Path) -> None:
    assert interaction()
    back_up(place / "forge.db", place / "copy.db")

    with get_engine(place / "copy.db").connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_log_with_rows_is_never_left_out_in_silence(place: Path, tmp_path: Path) -> None:
    db = place / "crashed.db"
    assert interaction(response="only in the log")
    with closing(sqlite3.connect(place / "forge.db")) as reading:
        reading.execute("BEGIN").execute("SELECT count(*) FROM interactions").fetchall()
        for suffix in ("", "-wal"):
            shutil.copy(place / f"forge.db{suffix}", place / f"crashed.db{suffix}")

    def read() -> bool:
        reader = StoreReader.open(db)
        assert reader is not None
        with pytest.raises(StoreUnavailable, match=r"crashed\.db-wal, which cannot be read"):
            reader.get_interactions()
        return True

    reader = open_reader(place / "forge.db")
    assert reader is not None
    get_interactions(reader)
    make_read_only(place)
    assert run_in_child(read, uid=USER)
    place.chmod(0o700)
    for file in place.iterdir():
        shutil.copy(file, tmp_path / file.name)
        (tmp_path / file.name).chmod(0o600)
    copied = StoreReader.open(tmp_path / "crashed.db")
    assert copied is not None
    assert [row.response for row in copied.get_interactions()] == ["only in the log"]


def test_status_shows_a_store_on_a_read_only_mount(place: Path) -> None:
    assert record("run", task_id="t", workflow_id="w", status="success")
    flush()
    back_up(place / "forge.db", place / "copy.db")
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting needs rights")
    mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'

    for name in ("forge.db", "copy.db"):
        shown = subprocess.run(
            ["unshare", "-m", "sh", "-c", mount, str(place), *STATUS],
            env={**os.environ, "FORGE_DB_PATH": str(place / name)},
            check=True,
            capture_output=True,
            timeout=120,
        )
        assert [run["workflow_id"] for run in json.loads(shown.stdout)["runs"]] == ["w"]
