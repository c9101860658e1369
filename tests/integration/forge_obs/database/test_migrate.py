"""Migrations: equal to the tables, and safe whoever else migrates or dies."""

import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import warnings
from contextlib import closing
from itertools import count
from pathlib import Path

import forge_obs
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from forge_obs import StoreNewer, StoreUnavailable, StoreUnreadable, get_engine, upgrade
from forge_obs.alembic.versions import VERSIONS
from forge_obs.database import engines
from forge_obs.database.engines import connect_for_writing, switch_journal
from forge_obs.database.metadata import metadata
from forge_obs.model.columns import HEAD, REVISIONS
from forge_obs.model.rows import INTERACTIONS, LONG_TEXTS
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from support.children import start_child, wait_for
from support.revisions import make_store

UPGRADE = "import sys\nfrom forge_obs.store import upgrade\nupgrade(sys.argv[1])\n"


def select(path: Path, query: str) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [str(value) for (value,) in connection.execute(query)]


def schema_of(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%' ORDER BY name"
        )
        return [(name, " ".join((sql or "").split())) for name, sql in found]


def revision_of(path: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchall()


@pytest.fixture
def head(tmp_path: Path) -> list[tuple[str, str]]:
    upgrade(tmp_path / "head.db")
    return schema_of(tmp_path / "head.db")


def test_migrations_make_exactly_the_tables_of_the_metadata(
    tmp_path: Path, head: list[tuple[str, str]]
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/direct.db")
    metadata.create_all(engine)
    engine.dispose()

    assert schema_of(tmp_path / "direct.db") == head


def test_autogenerate_finds_nothing_to_migrate(tmp_path: Path) -> None:
    upgrade(tmp_path / "a.db")
    with get_engine(tmp_path / "a.db").connect() as connection, warnings.catch_warnings():
        # An index on an expression cannot be reflected; the test above compares it.
        warnings.filterwarnings("ignore", message=".*expression-based index")
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        found = compare_metadata(context, metadata)

    assert [change for change in found if "uq_runs_workflow_id_run_id" not in str(change)] == []


def test_known_revisions_are_those_of_the_modules_one_after_the_other() -> None:
    folder = Path(forge_obs.__file__).parent / "alembic/versions"

    assert [version.revision for version in VERSIONS] == list(REVISIONS)
    assert [version.down_revision for version in VERSIONS] == [None, *REVISIONS[:-1]]
    assert sorted(file.stem for file in folder.glob("v*.py")) == [f"v{name}" for name in REVISIONS]


def test_version_table_is_the_one_that_alembic_makes_and_reads(tmp_path: Path) -> None:
    upgrade(tmp_path / "a.db")
    engine = create_engine(f"sqlite:///{tmp_path}/theirs.db", poolclass=NullPool)
    with engine.begin() as connection:
        MigrationContext.configure(connection)._ensure_version_table()
    made, theirs = (
        " ".join(sql.replace("(", "( ").replace(")", " )").split())
        for path in (tmp_path / "a.db", tmp_path / "theirs.db")
        for sql in select(path, "SELECT sql FROM sqlite_master WHERE name = 'alembic_version'")
    )

    assert made == theirs
    with get_engine(tmp_path / "a.db").connect() as connection:
        assert MigrationContext.configure(connection).get_current_heads() == (HEAD,)


def test_long_texts_stand_together_with_later_columns_alone_behind_them() -> None:
    names = [column.name for column in INTERACTIONS]
    initial = (Path(forge_obs.__file__).parent / "alembic/versions/v001_initial.py").read_text()
    end = names.index(LONG_TEXTS[-1]) + 1

    assert tuple(names[end - len(LONG_TEXTS) : end]) == LONG_TEXTS
    assert [name for name in names[end:] if f"    {name} " in initial] == []


def test_upgrade_twice_changes_nothing(tmp_path: Path) -> None:
    upgrade(tmp_path / "a.db")
    before = schema_of(tmp_path / "a.db")
    upgrade(tmp_path / "a.db")

    assert schema_of(tmp_path / "a.db") == before
    assert revision_of(tmp_path / "a.db") == [(HEAD,)]


def test_database_is_in_wal_mode(tmp_path: Path) -> None:
    upgrade(tmp_path / "a.db")

    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_store_at_head_is_checked_without_alembic(tmp_path: Path) -> None:
    upgrade(tmp_path / "a.db")
    script = UPGRADE + "assert 'alembic' not in sys.modules\n"

    subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.db")], check=True, timeout=60)


@pytest.mark.parametrize("name", ["100%d.db", "a b.db", "a#b.db", "q?mode=ro.db"])
def test_path_with_special_characters_makes_exactly_that_file(tmp_path: Path, name: str) -> None:
    upgrade(tmp_path / "d" / name)

    made = {file.name for file in (tmp_path / "d").iterdir()}
    assert made - {f"{name}-wal", f"{name}-shm"} == {name}


def test_loggers_of_the_host_program_stay_enabled(tmp_path: Path) -> None:
    logger = logging.getLogger("host.program")

    upgrade(tmp_path / "a.db")

    assert not logger.disabled


def test_newer_schema_is_refused_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('999_future')")

    with pytest.raises(StoreNewer, match="999_future"):
        upgrade(path)

    assert [name for name, _ in schema_of(path)] == []


def test_what_cannot_be_a_database_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database " * 500)

    with pytest.raises(StoreUnreadable, match="NOTADB"):
        upgrade(tmp_path / "text.db")
    with pytest.raises(StoreUnavailable, match="it is a directory"):
        upgrade(tmp_path)


def test_locked_database_is_given_up_in_time(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="another program keeps it locked"):
            upgrade(path, timeout_s=0.3)
        other.execute("ROLLBACK")

    upgrade(path)


def start_upgrades(path: Path, processes: int) -> list[int]:
    """Start processes that all wait, and then upgrade one file at the same moment."""
    gate, opener = os.pipe()

    def upgrade_at_the_gate() -> bool:
        os.close(opener)
        os.read(gate, 1)
        upgrade(path)
        return True

    children = [start_child(upgrade_at_the_gate) for _ in range(processes)]
    os.close(opener)
    os.close(gate)
    return children


def prepare(path: Path, left_by: str) -> None:
    """Leave a file as it may stand at a start; none at all if it is fresh."""
    if left_by == "empty version table":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    elif left_by != "fresh":
        make_store(path, left_by)


@pytest.mark.parametrize("left_by", ["fresh", "empty version table", *REVISIONS[:-1]])
@pytest.mark.parametrize("rounds", [1, pytest.param(50, marks=pytest.mark.soak)])
def test_many_processes_upgrade_one_file_at_once(
    tmp_path: Path, head: list[tuple[str, str]], rounds: int, left_by: str
) -> None:
    for number in range(rounds):
        path = tmp_path / f"{number}.db"
        prepare(path, left_by)

        assert [wait_for(child) for child in start_upgrades(path, 16)] == [True] * 16

        assert schema_of(path) == head
        assert revision_of(path) == [(HEAD,)]


@pytest.mark.parametrize("left_by", ["fresh", *REVISIONS[:-1]])
@pytest.mark.parametrize("rounds", [2, pytest.param(50, marks=pytest.mark.soak)])
def test_kill_at_random_moments_leaves_the_old_schema_or_the_new(
    tmp_path: Path, head: list[tuple[str, str]], rounds: int, left_by: str
) -> None:
    prepare(tmp_path / "old.db", left_by)
    old = schema_of(tmp_path / "old.db") if left_by != "fresh" else []
    for number in range(rounds):
        path = tmp_path / f"killed{number}.db"
        prepare(path, left_by)
        children = start_upgrades(path, 8)
        for child in children[:4]:
            threading.Event().wait(random.uniform(0.0, 0.06))  # noqa: S311 - no secret
            os.kill(child, signal.SIGKILL)
            assert schema_of(path) in ([], old, head)
        for child in children[:4]:
            wait_for(child)

        assert [wait_for(child) for child in children[4:]] == [True] * 4
        assert schema_of(path) == head
        assert revision_of(path) == [(HEAD,)]


def test_file_that_cannot_be_switched_to_wal_in_time_still_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE theirs (a)")
        other.execute("BEGIN")
        other.execute("SELECT * FROM theirs").fetchall()  # a reader forbids the switch
        assert not switch_journal(path, "wal", budget_s=0.2)
        monkeypatch.setenv("FORGE_DB_PATH", str(path))
        other.execute("COMMIT")

    assert forge_obs.record("run", task_id="t", workflow_id="w", status="running")
    assert switch_journal(path, "wal", budget_s=0.2)


def test_threads_of_one_process_upgrade_at_once(tmp_path: Path) -> None:
    script = (
        "import sys, threading\nfrom forge_obs.store import upgrade\n"
        "errors = []\n"
        "def go(path):\n"
        "    try: upgrade(path)\n"
        "    except BaseException as error: errors.append(error)\n"
        "threads = [threading.Thread(target=go, args=(f'{sys.argv[1]}/{n % 3}.db',))"
        " for n in range(12)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "sys.exit(repr(errors) if errors else 0)\n"
    )

    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)

    assert [revision_of(tmp_path / f"{n}.db") for n in range(3)] == [[(HEAD,)]] * 3


@pytest.mark.parametrize(
    ("left_by", "statement"),
    [("fresh", number) for number in range(1, 24, 3)]
    + [("001_initial", number) for number in range(1, 12, 2)],
)
def test_kill_at_any_statement_leaves_the_old_schema_or_the_new(
    tmp_path: Path,
    left_by: str,
    statement: int,
    head: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "killed.db"
    prepare(path, left_by)
    old = schema_of(path) if path.exists() else []

    def migrate_and_die() -> bool:
        numbers = count(1)

        def die_in_time(_statement: str) -> None:
            if next(numbers) == statement:
                os.kill(os.getpid(), signal.SIGKILL)

        def connect(path: Path, wait_s: float) -> sqlite3.Connection:
            connection = connect_for_writing(path, wait_s)
            connection.set_trace_callback(die_in_time)
            return connection

        monkeypatch.setattr(engines, "connect_for_writing", connect)
        upgrade(path)
        return True

    status = os.waitstatus_to_exitcode(os.waitpid(start_child(migrate_and_die), 0)[1])

    left = schema_of(path) if path.exists() else []
    assert left in (old, head)
    upgrade(path)
    assert schema_of(path) == head
    assert status in {0, -signal.SIGKILL}


def test_thread_that_waits_for_a_migration_does_not_lose_its_entry() -> None:
    outcomes: list[bool] = []
    threads = [
        threading.Thread(
            target=lambda: outcomes.append(
                forge_obs.record("run", task_id="t", workflow_id="w", status="running")
            )
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert outcomes == [True] * 8
