"""A host program that migrates a database of its own with Alembic, and records calls besides."""

import logging
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from forge_obs import get_interactions, open_reader, record, upgrade
from forge_obs.database.metadata import metadata
from support.host_program import CALL, run_host

ENV = """
from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
url = context.config.get_main_option("sqlalchemy.url")
with create_engine(url, poolclass=NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

REVISION = """
import threading
import sqlalchemy as sa
from alembic import op
from forge_obs import record
revision, down_revision = "v{number}", {before!r}
def upgrade():
    op.create_table("host{number}", sa.Column("id", sa.Integer, primary_key=True))
    {act}
    op.execute("INSERT INTO host{number} VALUES (1)")
"""

PAUSE = "threading.Event().wait(0.02)"
RECORD = f"assert record('interaction', **{CALL})"
TABLES = {f"host{number}" for number in range(4)}


def configure(tmp_path: Path, *, act: str) -> Config:
    """Make a program's migrations; each does something between two statements."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    for number in range(4):
        before = f"v{number - 1}" if number else None
        text = REVISION.format(number=number, before=before, act=act)
        (folder / "versions" / f"v{number}.py").write_text(text)
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{tmp_path}/app.db")
    return config


def tables_of(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        return {name for (name,) in connection.execute(query)}


def test_first_call_inside_a_migration_of_the_host_leaves_it_alone(
    tmp_path: Path, private_environment: Path
) -> None:
    command.upgrade(configure(tmp_path, act=RECORD), "head")

    store = private_environment / "forge.db"
    assert tables_of(tmp_path / "app.db") == {*TABLES, "alembic_version"}
    assert tables_of(store) == {*metadata.tables, "alembic_version"}
    engine = open_reader(store)
    assert engine is not None
    assert len(get_interactions(engine)) == 4


def test_stores_are_made_by_many_threads_while_the_host_migrates(tmp_path: Path) -> None:
    config = configure(tmp_path, act=PAUSE)
    errors: list[BaseException] = []

    def make(number: int) -> None:
        try:
            upgrade(tmp_path / f"store{number}.db")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    command.upgrade(config, "head")
    for thread in threads:
        thread.join(timeout=60)

    assert errors == []
    assert tables_of(tmp_path / "app.db") == {*TABLES, "alembic_version"}
    stores = [tables_of(tmp_path / f"store{number}.db") for number in range(12)]
    assert stores == [{*metadata.tables, "alembic_version"}] * 12


def test_proxies_of_alembic_stay_unset(tmp_path: Path) -> None:
    printed = run_host(
        """
        import sys
        from forge_obs import upgrade
        upgrade(sys.argv[1])
        import alembic.context, alembic.op
        print(hasattr(alembic.op, "_proxy"), hasattr(alembic.context, "_proxy"))
        """,
        tmp_path / "store.db",
    )

    assert printed.split() == ["False", "False"]


@pytest.mark.parametrize("package", [True, False], ids=["package", "folder"])
def test_host_with_a_folder_named_alembic_keeps_it_and_records(
    tmp_path: Path, package: bool
) -> None:
    (tmp_path / "alembic").mkdir()
    (tmp_path / "alembic/env.py").write_text("raise RuntimeError('not yours')")
    if package:
        (tmp_path / "alembic/__init__.py").write_text("HOST = True")

    printed = run_host(
        f"""
        from forge_obs import record
        print(record("interaction", **{CALL}))
        import alembic
        print(getattr(alembic, "HOST", False))
        """,
        cwd=tmp_path,
    )

    assert printed.split() == ["True", str(package)]


def test_log_handlers_of_alembic_neither_see_a_migration_nor_break_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Breaking(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise RuntimeError(record.getMessage())

    logger, handler = logging.getLogger("alembic"), Breaking()
    logger.addHandler(handler)
    try:
        with caplog.at_level(logging.DEBUG, "alembic"):
            upgrade(tmp_path / "store.db")
            level = logger.level
    finally:
        logger.removeHandler(handler)

    assert level == logging.DEBUG
    assert logging.getLogger("alembic.runtime.migration").filters == []
    assert not [r for r in caplog.records if r.name.startswith("alembic")]


def test_first_call_in_a_log_handler_during_a_migration_is_kept(private_environment: Path) -> None:
    class Recording(logging.Handler):
        def emit(self, _record: logging.LogRecord) -> None:
            record("run", task_id="t", workflow_id="inner", status="success")

    logger, handler = logging.getLogger("sqlalchemy.engine"), Recording()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        assert record("run", task_id="t", workflow_id="outer", status="success")
    finally:
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(handler)

    record("run", task_id="t", workflow_id="later", status="success")
    with closing(sqlite3.connect(private_environment / "forge.db")) as connection:
        found = [name for (name,) in connection.execute("SELECT workflow_id FROM runs")]
    assert sorted(found) == ["inner", "later", "outer"]
