"""Bring a database to the schema of this version, safely among threads and processes.

SQLite has no migration lock and Alembic none of its own. All revisions run in one transaction
that takes SQLite's write lock before it reads where the schema stands, so that a second process
waits, and a killed one leaves the old schema.

See D41.
"""

import os
import time
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine

from forge_obs.database.commits.database import Database
from forge_obs.database.engines import READ_ONLY, create_write_engine, get_revision
from forge_obs.database.errors import refuse_newer, telling_errors
from forge_obs.database.handle import open_database
from forge_obs.errors import StoreUnavailable
from forge_obs.model.columns import HEAD, REVISIONS

UPGRADE_S: Final = 30.0
"""How long an upgrade waits for other processes, in seconds."""

_VERSION_TABLE: Final = """
CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)
"""
"""As Alembic makes it, so that its commands read it."""


def upgrade(db_path: str | os.PathLike[str], *, timeout_s: float = UPGRADE_S) -> None:
    """Make the database if it is missing and bring its schema to head.

    Costs one SELECT if nothing is to be done. Any number of threads and processes may call it at
    once.

    Raises:
        StoreNewer: A newer version wrote the schema; nothing was changed.
        StoreUnreadable: The file is no database, or damaged.
        StoreUnavailable: It cannot be made or written, or stays locked for too long.
    """
    path = Path(db_path)
    with telling_errors(path):
        database = open_database(path, wal_budget_s=timeout_s / 3)
        database.is_at_head = False  # another program may have changed it since
        make_ready(database, timeout_s=timeout_s)


def make_ready(database: Database, *, timeout_s: float, read_s: float | None = None) -> bool:
    """Bring the schema of an open database to head, once per file and process.

    Args:
        database: Its file exists.
        timeout_s: How long to wait for others that migrate, in seconds.
        read_s: How long to wait until the revision can be read; as long as `timeout_s` if None.

    Returns:
        Whether there was anything to do.
    """
    if database.is_at_head:
        return False
    revision = _read_revision(database, timeout_s if read_s is None else read_s)
    if revision != HEAD:
        refuse_newer(database.path, revision)
        _upgrade_alone(database, timeout_s)
    database.is_at_head = True
    return revision != HEAD


def _read_revision(database: Database, timeout_s: float) -> str | None:
    with database.held(timeout_s) as left_s:
        engine = create_write_engine(database.path, left_s)
        with engine.connect().execution_options(**READ_ONLY) as connection:
            return get_revision(connection)


def _upgrade_alone(database: Database, timeout_s: float) -> None:
    started = time.monotonic()
    with database.migration_lock.held(timeout_s) as taken:
        if not taken:
            raise StoreUnavailable(f"database {database.path}: another thread keeps migrating")
        if not database.is_at_head:  # another thread may have been first
            left_s = timeout_s - (time.monotonic() - started)
            _migrate(database.path, create_write_engine(database.path, left_s))
            database.is_at_head = True


def _migrate(path: Path, engine: Engine) -> None:
    with engine.begin() as connection:
        # Looked at again under the lock: of many processes that start together one imports
        # Alembic, which costs more than all else here, and the others find the work done.
        revision = get_revision(connection)
        refuse_newer(path, revision)
        if revision != HEAD:
            run_revisions(connection, revision, HEAD)


def run_revisions(connection: Connection, since: str | None, until: str) -> None:
    """Bring the schema from one revision to a later one, in the transaction of a connection.

    Args:
        connection: In a transaction that has the write lock.
        since: Where the schema stands; None for a database without one.
        until: The revision to reach.
    """
    from forge_obs.alembic.operations import open_operations  # noqa: PLC0415
    from forge_obs.alembic.versions import VERSIONS  # noqa: PLC0415

    op = open_operations(connection)
    op.execute(_VERSION_TABLE)
    first = 0 if since is None else REVISIONS.index(since) + 1
    for version in VERSIONS[first : REVISIONS.index(until) + 1]:
        version.upgrade(op)
    connection.exec_driver_sql("DELETE FROM alembic_version")
    connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (until,))
