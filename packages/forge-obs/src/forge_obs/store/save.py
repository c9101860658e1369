"""Make a store, bring it up to date, and save rows in it, with an error where that fails."""

import os
from pathlib import Path

from sqlalchemy import Engine

from forge_obs.database import handle
from forge_obs.database.engines import BUSY_S
from forge_obs.database.errors import telling_errors
from forge_obs.database.migrate import UPGRADE_S
from forge_obs.database.migrate import upgrade as upgrade_schema
from forge_obs.delivery import catch_up
from forge_obs.environment.process import get_now, get_owner, make_entry_id
from forge_obs.environment.redact_hook import get_hook
from forge_obs.model.entries import Entry, build_entry, build_run
from forge_obs.model.finished_call import read_field
from forge_obs.recorder import redacted


def get_engine(db_path: str | os.PathLike[str]) -> Engine:
    """Return this process's engine for a database file, making the file if it is missing.

    WAL mode, `synchronous=NORMAL`, a busy timeout, and transactions that take the write lock at
    once. The schema is not made: see `upgrade`. Maps `Interaction` and `Run`, too.

    Raises:
        StoreUnreadable: The file is no database.
        StoreUnavailable: The file cannot be made or opened.
    """
    from forge_obs.database import orm  # noqa: F401, PLC0415 - who needs no engine needs no ORM

    return handle.get_engine(db_path)


def upgrade(db_path: str | os.PathLike[str], *, timeout_s: float = UPGRADE_S) -> None:
    """Make the database if it is missing, bring its schema to head, and store what waits for it.

    Costs one SELECT if nothing is to be done. Any number of threads and processes may call it at
    once.

    Raises:
        StoreNewer: A newer version wrote the schema; nothing was changed.
        StoreUnreadable: The file is no database, or damaged.
        StoreUnavailable: It cannot be made or written, or stays locked for too long.
    """
    upgrade_schema(db_path, timeout_s=timeout_s)
    catch_up(Path(db_path).absolute(), timeout_s=timeout_s)


def save_interaction(engine: Engine, **fields: object) -> None:
    """Insert an interaction given by columns, or merge it into the one with the same key.

    Args:
        engine: Of `get_engine`, its schema at head.
        fields: Columns of the table and of `call_facts`, such as `build_interaction_dict` gives;
            absent ones get their default, and values that do not fit are cleaned as in `record()`.

    Raises:
        TypeError: A name is no column.
        StoreError: The row could not be written.
    """
    columns = {"entry_id": make_entry_id(), "created_at": get_now(), "seq": 0, **fields}
    _save(engine, build_entry("interactions", columns))


def save_run(engine: Engine, result: object, workflow_id: str, **fields: object) -> None:
    """Insert a run, or bring the one with the same workflow and run id up to date.

    Args:
        engine: Of `get_engine`, its schema at head.
        result: Mapping or object with `task_id` and `status`; kept whole as JSON.
        workflow_id: Id of the root workflow.
        fields: Further keywords of `record("run", ...)`; they win over the result.

    Raises:
        TypeError: A keyword is unknown.
        StoreError: The row could not be written.
    """
    keywords = {name: read_field(result, name) for name in ("task_id", "status")}
    keywords |= {"result": result, "workflow_id": workflow_id, **fields}
    entry = build_run(keywords, owner=get_owner(), now=get_now())
    if entry.unknown:
        raise TypeError(f"save_run() does not know {', '.join(entry.unknown)}")
    _save(engine, entry)


def save_run_columns(engine: Engine, **fields: object) -> None:
    """Insert a run given by columns, or bring the one with the same workflow and run id up to date.

    Args:
        engine: Of `get_engine`, its schema at head.
        fields: Columns of the table; absent ones get their default, and values that do not fit are
            cleaned as in `record()`.

    Raises:
        TypeError: A name is no column.
        StoreError: The row could not be written.
    """
    _save(engine, build_entry("runs", {"created_at": get_now(), **fields}))


def _save(engine: Engine, entry: Entry) -> None:
    from forge_obs.database.writer import write, write_at  # noqa: PLC0415 - readers do without the tables

    path = Path(engine.url.database or "").absolute()
    entry = redacted(entry, get_hook())
    with telling_errors(path):
        database = handle.get_database(engine) or handle.open_database(path)
        if not write(database, entry, timeout_s=BUSY_S):
            # The engine's file is not the one at the path any more.
            [refusal] = write_at(path, [entry], timeout_s=BUSY_S, migrate_s=UPGRADE_S)
            if refusal is not None:
                raise refusal
    handle.keep_up(path)
