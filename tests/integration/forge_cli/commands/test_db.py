"""``forge db`` on real files: found, upgraded and checked."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from forge_obs import flush, record, upgrade
from forge_obs.model.columns import HEAD
from forge_obs.spool.file import add_lost, get_lost_path
from support.children import run_in_child
from support.forge import Forge, run_forge
from support.store import locked


@pytest.fixture
def db_path() -> Path:
    return Path(os.environ["FORGE_DB_PATH"])


@pytest.fixture
def store(db_path: Path) -> Path:
    """Give the path of a store with a row large enough to have pages of its own."""
    upgrade(db_path)
    assert record("run", task_id="t", workflow_id="w", status="success", result={"x": "y" * 50_000})
    flush()
    return db_path


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_path_is_the_only_line_on_stdout() -> None:
    outcome = run_forge("db", "path")

    assert (outcome.code, outcome.stdout) == (0, os.environ["FORGE_DB_PATH"] + "\n")
    assert outcome.stderr == ""


def test_path_of_a_store_that_is_off_is_a_note_on_stderr(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "")

    outcome = forge("db", "path")

    assert (outcome.code, outcome.stdout) == (0, "")
    assert "the store is off" in outcome.stderr


def test_upgrade_makes_a_private_database_at_head_and_can_be_repeated(db_path: Path) -> None:
    first, second = run_forge("db", "upgrade"), run_forge("db", "upgrade")

    assert first.code == second.code == 0
    assert first.stdout == second.stdout == f"{db_path}: at revision {HEAD}\n"
    assert db_path.stat().st_mode & 0o777 == 0o600


def test_upgrade_without_a_writable_place_is_infrastructure(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FORGE_DB_PATH", str(tmp_path / "file" / "forge.db"))

    outcome = forge("db", "upgrade")

    assert outcome.code == 3
    assert str(tmp_path / "file") in outcome.error


@pytest.mark.parametrize(
    "command",
    [
        *("db upgrade", "db check", "db archive", "db unarchive", "db backup copy.db"),
        *("db restore copy.db", "db export", "db export --csv tables", "db import part.db"),
        *("receive", "status --follow"),
    ],
)
def test_command_that_needs_a_store_says_that_it_is_off(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "")
    monkeypatch.chdir(tmp_path)

    outcome = forge(*command.split())

    assert outcome.code == 3
    assert outcome.error == "error: the store is off: FORGE_DB_PATH is empty"
    assert not (tmp_path / "tables").exists()


def test_check_of_a_sound_store_finds_nothing(forge: Forge, store: Path) -> None:
    outcome = forge("db", "check")

    assert outcome.code == 0
    assert f"database   {store} (" in outcome.stdout
    assert f"schema     current, at {HEAD}" in outcome.stdout
    assert "integrity  ok\npending    0\nlost       0\n" in outcome.stdout


def test_check_of_no_database_finds_nothing_and_makes_none(forge: Forge, db_path: Path) -> None:
    outcome = forge("db", "check")

    assert outcome.code == 0
    assert "no database yet" in outcome.stdout
    assert not db_path.exists()


def test_check_finds_a_database_that_others_may_read(forge: Forge, store: Path) -> None:
    store.chmod(0o644)

    outcome = forge("db", "check")

    assert outcome.code == 1
    assert f"readable   by others: chmod 600 {store}" in outcome.stdout


@pytest.mark.parametrize(
    ("path", "advice"),
    [("/dev/null", "choose a file for the store"), (".", "it is a directory: choose a file in it")],
)
def test_check_gives_no_advice_on_the_mode_of_what_is_no_file(
    forge: Forge, monkeypatch: pytest.MonkeyPatch, path: str, advice: str
) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", str(Path(path).resolve()))

    outcome = forge("db", "check")

    assert outcome.code == 3
    assert advice in outcome.error
    assert "chmod" not in outcome.stdout


def test_check_finds_an_older_schema(forge: Forge, store: Path) -> None:
    change(store, "DELETE FROM alembic_version")

    outcome = forge("db", "check")

    assert outcome.code == 1
    assert "run forge db upgrade" in outcome.stdout


def test_check_finds_damaged_pages(forge: Forge, store: Path) -> None:
    pages = bytearray(store.read_bytes())
    pages[-4096 * 3 :] = b"\xff" * 4096 * 3
    store.write_bytes(pages)

    outcome = forge("db", "check")

    assert outcome.code == 1
    assert "integrity  ok" not in outcome.stdout


def test_check_of_a_newer_store_is_infrastructure(forge: Forge, store: Path) -> None:
    change(store, "UPDATE alembic_version SET version_num = '999_future'")

    outcome = forge("db", "check")

    assert outcome.code == 3
    assert "newer, at 999_future" in outcome.stdout
    assert "upgrade forge" in outcome.error


def test_check_of_a_file_that_is_no_database_is_infrastructure(forge: Forge, db_path: Path) -> None:
    db_path.write_bytes(b"no database " * 1000)

    outcome = forge("db", "check")

    assert outcome.code == 3
    assert str(db_path) in outcome.error


@pytest.mark.usefixtures("impatient")
def test_check_shows_what_waits_and_what_was_lost(forge: Forge, store: Path) -> None:
    leave_gaps(store)

    outcome, document = forge("db", "check"), forge("db", "check", "--json").document

    assert outcome.code == 1
    assert "pending    2: `forge db upgrade` stores them\n" in outcome.stdout
    assert f"remove {store}-lost to reset the count" in outcome.stdout
    assert (document["ok"], document["pending"], document["lost"]) == (False, 2, 3)
    assert document["error"] is None


@pytest.mark.usefixtures("impatient")
def test_upgrade_stores_what_waits_and_removing_the_count_forgets_it(
    forge: Forge, store: Path
) -> None:
    leave_gaps(store)

    upgraded = forge("db", "upgrade")
    get_lost_path(store).unlink()

    assert (upgraded.code, upgraded.stdout.splitlines()[1]) == (
        0,
        "stored 2 records that had been waiting",
    )

    assert forge("db", "check").code == 0


def test_json_of_a_store_that_cannot_be_read_is_one_document(forge: Forge, db_path: Path) -> None:
    db_path.write_bytes(b"no database " * 1000)

    outcome = forge("db", "check", "--json")

    assert outcome.code == 3
    assert outcome.document["state"] == "unreadable"
    assert outcome.document["error"]["type"] == "StoreUnreadable"


def leave_gaps(store: Path) -> None:
    """Let another process find the store locked, and lose some entries besides."""
    with locked(store):
        assert run_in_child(lambda: not any(record_run(str(number)) for number in range(2)))
    add_lost(store, 3)


def record_run(name: str) -> bool:
    return record("run", task_id="t", workflow_id=name, status="success")
