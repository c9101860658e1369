"""The store's API: save, get and list interactions and runs.

Instrumented code calls `record()` instead, which opens, migrates and cleans by itself and never
raises. Functions here raise a `StoreError` that says what to do.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from string import hexdigits
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import Connection, Engine

from forge_obs.database import sqlite
from forge_obs.database.engine import get_database, keep_up, open_database
from forge_obs.database.engine import get_engine as get_store_engine
from forge_obs.database.migrate import UPGRADE_S
from forge_obs.database.migrate import upgrade as upgrade_schema
from forge_obs.database.reader import (
    Query,
    Values,
    fetch,
    fetch_by,
    fetch_entry_ids,
    fetch_figures,
    fetch_prompt_sizes,
    fetch_run_models,
    reading,
)
from forge_obs.environment.process import (
    get_db_path,
    get_host,
    get_now,
    get_owner,
    is_alive,
    make_entry_id,
)
from forge_obs.environment.redact_hook import set_redact
from forge_obs.errors import AmbiguousId
from forge_obs.model.columns import LONG_TEXTS, MAX_COUNT
from forge_obs.model.entries import (
    Entry,
    build_interaction_dict,
    build_run,
    clean_columns,
    read_field,
)
from forge_obs.model.liveness import shown_status
from forge_obs.model.rows import load_interaction, load_run
from forge_obs.model.sanitize import format_time, to_json
from forge_obs.recorder import catch_up, flush, get_backlog, redacted
from forge_obs.spool.format import Backlog

SHORTEST_PREFIX: Final = 4
"""How many digits of an `entry_id` it takes at least to look for it."""

_MOST_NAMED: Final = 5

_ROWS_A_READ: Final = 20
"""Rows that are in memory at once while all are read."""

_LOADERS: Final[Mapping[str, Callable[[Values], "Interaction | Run"]]] = {
    "interactions": load_interaction,
    "runs": load_run,
}

if TYPE_CHECKING:
    from forge_obs.model.rows import Interaction, Run

    Row = TypeVar("Row", bound=Interaction | Run)

__all__ = [
    "Backlog",
    "Interaction",
    "Run",
    "RunQuery",
    "StoreReader",
    "build_interaction_dict",
    "flush",
    "get_backlog",
    "get_db_path",
    "get_engine",
    "get_interaction",
    "get_interactions",
    "get_prompt_sizes",
    "get_run",
    "get_shown_status",
    "iterate_call_figures",
    "iterate_interactions",
    "iterate_rows",
    "iterate_runs",
    "list_recent_runs",
    "list_run_models",
    "list_workflow_ids",
    "open_reader",
    "save_interaction",
    "save_run",
    "set_redact",
    "to_json",
    "upgrade",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Map the classes when somebody asks for them: listing runs does not need the ORM."""
        if name in {"Interaction", "Run"}:
            from forge_obs.database import orm  # noqa: PLC0415

            return getattr(orm, name)
        raise AttributeError(f"module 'forge_obs.store' has no attribute {name!r}")


def get_engine(db_path: str | os.PathLike[str]) -> Engine:
    """Give this process's engine for a database file, making the file if it is missing.

    WAL mode, `synchronous=NORMAL`, a busy timeout, and transactions that take the write lock at
    once. The schema is not made: see `upgrade`. Maps `Interaction` and `Run`, too.

    Raises:
        StoreUnreadable: The file is no database.
        StoreUnavailable: The file cannot be made or opened.
    """
    from forge_obs.database import orm  # noqa: F401, PLC0415 - whoever needs no engine needs no ORM

    return get_store_engine(db_path)


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


def open_reader(db_path: str | os.PathLike[str] | None) -> Engine | None:
    """Give an engine that only reads an existing database; None if there is no such file.

    Nothing is created, migrated or locked, and no connection stays open between two reads.

    Args:
        db_path: The file, such as `get_db_path` gives; None for a store that is off.

    Raises:
        StoreUnavailable: The system does not tell whether there is one.
    """
    if db_path is None:
        return None
    path = Path(db_path)
    with sqlite.telling_errors(path):
        return sqlite.create_read_engine(path) if path.exists() else None


class StoreReader:
    """An existing store, opened once by whoever reads it several times.

    Each method is the function of the same name, which has its documentation. No connection and no
    transaction stays open between two reads.

    Args:
        path: The database file, which exists.
        engine: Of `open_reader`.
    """

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self._engine = engine

    @classmethod
    def open(cls, db_path: str | os.PathLike[str] | None) -> "StoreReader | None":
        """Open a database for reading; None if there is no such file, or for a store that is off.

        Raises:
            StoreUnavailable: The system does not tell whether there is one.
        """
        engine = open_reader(db_path)
        return None if engine is None or db_path is None else cls(Path(db_path), engine)

    def get_run(self, workflow_id: str) -> "Run | None":
        """Read the newest run of a workflow; None if there is none."""
        return get_run(self._engine, workflow_id)

    def get_interaction(self, id_or_prefix: int | str) -> "Interaction | None":
        """Read one interaction, texts included; None if there is none."""
        return get_interaction(self._engine, id_or_prefix)

    def get_interactions(
        self,
        task_id: str | None = None,
        step_id: str | None = None,
        *,
        workflow_id: str | None = None,
        texts: bool = True,
    ) -> "list[Interaction]":
        """Read the interactions of a task, a step or a workflow in the order of recording."""
        return get_interactions(
            self._engine, task_id, step_id, workflow_id=workflow_id, texts=texts
        )

    def list_recent_runs(
        self,
        limit: int = 20,
        *,
        task_id: str | None = None,
        status: str | None = None,
        model_name: str | None = None,
        since: datetime | None = None,
    ) -> "list[Run]":
        """Read the runs that began last, newest first."""
        return list_recent_runs(
            self._engine,
            limit,
            task_id=task_id,
            status=status,
            model_name=model_name,
            since=since,
        )

    def iterate_runs(self, query: "RunQuery", *, batch: int = 100) -> "Iterator[Run]":
        """Read runs newest first, a few at a time."""
        return iterate_runs(self._engine, query, batch=batch)

    def iterate_interactions(
        self, workflow_id: str, *, texts: bool = True, batch: int = 16
    ) -> "Iterator[Interaction]":
        """Read the interactions of a workflow in the order of recording, a few at a time."""
        return iterate_interactions(self._engine, workflow_id, texts=texts, batch=batch)

    def iterate_call_figures(self, workflow_ids: Sequence[str]) -> "Iterator[Interaction]":
        """Read what sums over the calls of workflows are made of, in no order."""
        return iterate_call_figures(self._engine, workflow_ids)

    def iterate_rows(self, table: str) -> "Iterator[Interaction | Run]":
        """Read every row of a table in the order of recording, a few at a time."""
        return iterate_rows(self._engine, table)

    def list_run_models(self) -> list[str]:
        """Read the models that runs asked for, each once and in order."""
        return list_run_models(self._engine)

    def list_workflow_ids(self, limit: int = 1000) -> list[str]:
        """Read the workflow ids of the runs that began last, newest first."""
        return list_workflow_ids(self._engine, limit)

    def get_prompt_sizes(self, request_model: str, looked_at: int = 500) -> list[tuple[int, int]]:
        """Read how many characters and input tokens the prompts of a model's calls had."""
        return get_prompt_sizes(self._engine, request_model, looked_at)

    def get_backlog(self) -> Backlog:
        """Count the entries that wait beside the database, and those that are lost."""
        return get_backlog(self.path)


def save_interaction(engine: Engine, **fields: object) -> None:
    """Insert an interaction given by columns, or merge it into the one with the same key.

    Args:
        engine: Of `get_engine`, its schema at head.
        fields: Columns of the table, such as `build_interaction_dict` gives; absent ones get
            their default, and values that do not fit are cleaned as in `record()`.

    Raises:
        TypeError: A name is no column.
        StoreError: The row could not be written.
    """
    given = {"entry_id": make_entry_id(), "created_at": get_now(), "seq": 0, **fields}
    _save(engine, Entry("interactions", clean_columns("interactions", given)))


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
    given = {name: read_field(result, name) for name in ("task_id", "status")}
    given |= {"result": result, "workflow_id": workflow_id, **fields}
    entry = build_run(given, owner=get_owner(), now=get_now())
    if entry.unknown:
        raise TypeError(f"save_run() does not know {', '.join(entry.unknown)}")
    _save(engine, entry)


def _save(engine: Engine, entry: Entry) -> None:
    from forge_obs.database.writer import write, write_at  # noqa: PLC0415 - readers do without the tables

    path = Path(engine.url.database or "").absolute()
    entry = redacted(entry)
    with sqlite.telling_errors(path):
        database = get_database(engine) or open_database(path)
        if not write(database, entry, timeout_s=sqlite.BUSY_S):
            # The engine's file is not the one at the path any more.
            write_at(path, entry, timeout_s=sqlite.BUSY_S, migrate_s=UPGRADE_S)
    keep_up(path)


def get_interactions(
    engine: Engine,
    task_id: str | None = None,
    step_id: str | None = None,
    *,
    workflow_id: str | None = None,
    texts: bool = True,
) -> "list[Interaction]":
    """Read the interactions of a task, a step or a workflow in the order of recording.

    Args:
        engine: Of `open_reader` or `get_engine`.
        task_id: Only those of this task.
        step_id: Only those of this step; by itself, without an index, it reads every row.
        workflow_id: Only those of this root workflow, its sub-tasks included.
        texts: Read prompts and responses too; without them a listing is many times faster, and
            the prompts are empty and the response None.

    Raises:
        StoreError: The store cannot be read, or is newer than this version.
    """
    where = {"task_id": task_id, "step_id": step_id, "workflow_id": workflow_id}
    query = Query("interactions", where, without=() if texts else LONG_TEXTS)
    return [_detached(load_interaction(values)) for values in fetch(engine, query)]


def get_interaction(engine: Engine, id_or_prefix: int | str) -> "Interaction | None":
    """Read one interaction, texts included; None if there is none.

    Args:
        engine: Of `open_reader` or `get_engine`.
        id_or_prefix: Its `entry_id`, its `id` as a number, or the beginning of its `entry_id`,
            at least `SHORTEST_PREFIX` hex digits that no other entry shares; the first of these
            that fits counts.

    Raises:
        AmbiguousId: Several entries begin with these digits.
        StoreError: The store cannot be read, or is newer than this version.
    """
    with reading(engine) as connection:
        for where in _exact_matches(id_or_prefix):
            if found := fetch_by(connection, Query("interactions", where)):
                return _detached(load_interaction(found[0]))
        entry_id = _find_entry_id(connection, str(id_or_prefix).lower())
        if entry_id is None:
            return None
        [call] = fetch_by(connection, Query("interactions", {"entry_id": entry_id}))
        return _detached(load_interaction(call))


def _exact_matches(wanted: int | str) -> list[dict[str, int | str | None]]:
    if isinstance(wanted, str) and not (wanted.isascii() and wanted.isdecimal()):
        return [{"entry_id": wanted}]
    number = min(int(wanted), MAX_COUNT)
    return [{"id": number}] if isinstance(wanted, int) else [{"entry_id": wanted}, {"id": number}]


def _find_entry_id(connection: Connection, prefix: str) -> str | None:
    if len(prefix) < SHORTEST_PREFIX or not set(prefix) <= set(hexdigits):
        return None
    found = fetch_entry_ids(connection, prefix, limit=_MOST_NAMED + 1)
    if len(found) > 1:
        raise AmbiguousId(prefix, found[:_MOST_NAMED], more=len(found) > _MOST_NAMED)
    return found[0] if found else None


def get_run(engine: Engine, workflow_id: str) -> "Run | None":
    """Read the newest run of a workflow; None if there is none.

    Raises:
        StoreError: The store cannot be read, or is newer than this version.
    """
    found = fetch(engine, Query("runs", {"workflow_id": workflow_id}, newest=1))
    return _detached(load_run(found[0])) if found else None


def list_recent_runs(
    engine: Engine,
    limit: int = 20,
    *,
    task_id: str | None = None,
    status: str | None = None,
    model_name: str | None = None,
    since: datetime | None = None,
) -> "list[Run]":
    """Read the runs that began last, newest first.

    Args:
        engine: Of `open_reader` or `get_engine`.
        limit: At most that many.
        task_id: Only those of this task.
        status: Only those with this stored status; an interrupted run is stored as `running`.
        model_name: Only those that asked for this model.
        since: Only those that began at or after this moment; a naive one is taken as UTC.

    Raises:
        StoreError: The store cannot be read, or is newer than this version.
    """
    chosen = RunQuery(task_id, status, model_name, since)
    return [_detached(load_run(values)) for values in fetch(engine, chosen.narrow(newest=limit))]


@dataclass(frozen=True)
class RunQuery:
    """Which runs are wanted; None asks for any.

    Attributes:
        status: As stored; an interrupted run is stored as `running`.
        since: When it began at the earliest; a naive moment is taken as UTC.
    """

    task_id: str | None = None
    status: str | None = None
    model_name: str | None = None
    since: datetime | None = None

    def narrow(self, *, newest: int, before: tuple[str, int] | None = None) -> Query:
        """Build the query of so many runs."""
        where = {"task_id": self.task_id, "status": self.status, "model_name": self.model_name}
        began = None if self.since is None else format_time(self.since)
        at_most = min(max(0, newest), MAX_COUNT)
        return Query("runs", where, since=began, newest=at_most, before=before)


def iterate_runs(engine: Engine, chosen: RunQuery, *, batch: int = 100) -> "Iterator[Run]":
    """Read runs newest first, a few at a time, so that any number needs little memory.

    No transaction is open between two reads: a run that is recorded meanwhile may be left out.

    Raises:
        StoreError: The store cannot be read, or is newer than this version.
    """
    before: tuple[str, int] | None = None
    beyond: set[object] = set()
    while True:
        asked = batch + len(beyond)
        found = fetch(engine, chosen.narrow(newest=asked, before=before))
        for values in found:
            if values["id"] not in beyond:
                yield _detached(load_run(values))
        if len(found) < asked:
            return
        # A row that cannot be read has no moment to go on from: it is read again, and left out.
        sound = [place for place, row in enumerate(found) if "created_at" in row]
        if sound:
            last = found[sound[-1]]
            before = str(last["created_at"]), int(str(last["id"]))
        beyond = {row["id"] for row in found[sound[-1] + 1 if sound else 0 :]}


def iterate_interactions(
    engine: Engine, workflow_id: str, *, texts: bool = True, batch: int = 16
) -> "Iterator[Interaction]":
    """Read the interactions of a workflow in the order of recording, a few at a time.

    What is recorded meanwhile is among them, unless it comes after the end was reached.

    Raises:
        StoreError: The store cannot be read, or is newer than this version.
    """
    without = () if texts else LONG_TEXTS
    where = {"workflow_id": workflow_id}
    last = 0
    while found := fetch(
        engine, Query("interactions", where, without=without, after=last, at_most=batch)
    ):
        for values in found:
            yield _detached(load_interaction(values))
        last = int(str(found[-1]["id"]))


def iterate_call_figures(engine: Engine, workflow_ids: Sequence[str]) -> "Iterator[Interaction]":
    """Read what sums over the calls of workflows are made of, in no order.

    That is `forge_obs.model.columns.FIGURES`; all else has its default. Any number of calls needs
    little memory, and the read lasts until the last one was taken.

    Raises:
        StoreError: The store cannot be read, or is newer than this version.
    """
    return map(load_interaction, fetch_figures(engine, workflow_ids))


def iterate_rows(engine: Engine, table: str) -> "Iterator[Interaction | Run]":
    """Read every row of a table in the order of recording, a few at a time.

    No transaction is open between two reads: what is recorded meanwhile may be among the rows.

    Args:
        engine: Of `open_reader` or `get_engine`.
        table: `interactions` or `runs`.

    Raises:
        StoreError: The store cannot be read, or is newer than this version.
    """
    load = _LOADERS[table]
    last = 0
    while rows := fetch(engine, Query(table, after=last, at_most=_ROWS_A_READ)):
        for values in rows:
            yield _detached(load(values))
        last = int(str(rows[-1]["id"]))


def list_run_models(engine: Engine) -> list[str]:
    """Read the models that runs asked for, each once and in order.

    Raises:
        StoreError: The store cannot be read, or is newer than this version.
    """
    return fetch_run_models(engine)


def list_workflow_ids(engine: Engine, limit: int = 1000) -> list[str]:
    """Read the workflow ids of the runs that began last, newest first.

    Raises:
        StoreError: The store cannot be read, or is newer than this version.
    """
    query = Query("runs", without=("result_json",), newest=max(0, limit))
    return [load_run(values).workflow_id for values in fetch(engine, query)]


def get_prompt_sizes(
    engine: Engine, request_model: str, looked_at: int = 500
) -> list[tuple[int, int]]:
    """Read how many characters and input tokens the prompts of a model's calls had.

    Only answers of a provider that reported its tokens count, among the `looked_at` newest calls.

    Raises:
        StoreError: The store cannot be read, or is newer than this version.
    """
    return fetch_prompt_sizes(engine, request_model, looked_at)


def get_shown_status(run: "Run") -> str:
    """Give the status to show: `interrupted` for a running run whose process is gone."""
    return shown_status(run, now=datetime.now(UTC), host=get_host(), is_alive=is_alive)


def _detached(row: "Row") -> "Row":
    # While another thread imports it, it has no such function yet, and maps no row that is read.
    detach = getattr(sys.modules.get("forge_obs.database.orm"), "detach", None)
    return row if detach is None else detach(row)
