"""Read the store: rows as objects, with nothing created, migrated or locked."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from string import hexdigits
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from sqlalchemy import Connection, Engine

from forge_obs.database.engines import create_read_engine
from forge_obs.database.errors import telling_errors
from forge_obs.database.rows.archived import FrameCache
from forge_obs.environment.process import get_host, is_alive
from forge_obs.errors import AmbiguousId
from forge_obs.model.columns import MAX_COUNT
from forge_obs.model.liveness import shown_status
from forge_obs.model.rows import (
    BEHIND_RESULTS,
    LONG_TEXTS,
    Interaction,
    Run,
    load_interaction,
    load_run,
)
from forge_obs.model.sanitize import format_time
from forge_obs.store.lookups import (
    count_calls_without_workflow,
    fetch_entry_ids,
    fetch_figures,
    fetch_prompt_sizes,
    fetch_run_ids,
    fetch_run_models,
    fetch_run_names,
)
from forge_obs.store.queries import Query, Values, fetch, fetch_by, reading

if TYPE_CHECKING:
    from forge_obs.spool.format import Backlog
    from forge_obs.store.calls import CallReader

SHORTEST_PREFIX: Final = 4
"""How many characters of an `entry_id` it takes at least to look for it."""

_MOST_NAMED: Final = 5

_ROWS_A_READ: Final = 20
"""Rows that are in memory at once while all are read."""

_LOADERS: Final[Mapping[str, Callable[[Values], Interaction | Run]]] = {
    "interactions": load_interaction,
    "runs": load_run,
}

Row = TypeVar("Row", bound=Interaction | Run)


@dataclass(frozen=True)
class RunQuery:
    """Which runs to read; None asks for any.

    Attributes:
        status: As stored; an interrupted run is stored as `running`.
        since: When it began at the earliest; a naive moment is local time.
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


def open_reader(db_path: str | os.PathLike[str] | None) -> Engine | None:
    """Return an engine that only reads an existing database; None if there is no such file.

    Nothing is created, migrated or locked, and no connection stays open between two reads.

    Args:
        db_path: The file, such as `get_db_path` gives; None for a store that is off.

    Raises:
        StoreUnavailable: The system does not tell whether there is one.
    """
    from forge_obs.database import orm  # noqa: F401, PLC0415 - a `StoreReader` does without

    return _open_engine(db_path)


def _open_engine(db_path: str | os.PathLike[str] | None) -> Engine | None:
    if db_path is None:
        return None
    path = Path(db_path)
    with telling_errors(path):
        return create_read_engine(path) if path.exists() else None


class StoreReader:
    """An existing store, opened once by whoever reads it several times.

    No connection and no transaction stays open between two reads. Every method raises a
    `StoreError` where the store cannot be read or is newer than this version.

    Args:
        engine: Of `open_reader` or `get_engine`.
    """

    def __init__(self, engine: Engine) -> None:
        self.path = Path(engine.url.database or "")
        self._engine = engine
        self._frames = FrameCache()

    @classmethod
    def open(cls, db_path: str | os.PathLike[str] | None) -> "StoreReader | None":
        """Open a database for reading; None if there is no such file, or for a store that is off.

        Raises:
            StoreUnavailable: The system does not tell whether there is one.
        """
        engine = _open_engine(db_path)
        return None if engine is None else cls(engine)

    def get_interactions(
        self,
        task_id: str | None = None,
        step_id: str | None = None,
        *,
        workflow_id: str | None = None,
        run_id: str | None = None,
        texts: bool = True,
    ) -> list[Interaction]:
        """Read the interactions of a task, a step or a workflow in the order of recording.

        Args:
            task_id: Only those of this task.
            step_id: Only those of this step; by itself, without an index, it reads every row.
            workflow_id: Only those of this root workflow, its sub-tasks included.
            run_id: Only those of this run of the workflow, its sub-tasks included. Calls of before
                their run was recorded are the run's if the workflow has no other.
            texts: Read prompts and responses too; without them a listing is many times faster, and
                the prompts are empty and the response None.
        """
        where = {"task_id": task_id, "step_id": step_id, "workflow_id": workflow_id}
        without = () if texts else LONG_TEXTS
        query = Query("interactions", where, without=without, run_id=run_id)
        rows = fetch(self._engine, query, self._frames)
        return [_detached(load_interaction(values)) for values in rows]

    def get_interaction(self, id_or_prefix: int | str) -> Interaction | None:
        """Read one interaction, texts included; None if there is none.

        Args:
            id_or_prefix: Its `entry_id`, also as UUIDs are usually written; or the beginning of
                that, at least `SHORTEST_PREFIX` characters that no other entry shares; or its `id`
                as a number. The first of these that fits counts.

        Raises:
            AmbiguousId: Several entries begin with these characters.
        """
        with reading(self._engine) as connection:
            for where in _find_call(connection, id_or_prefix):
                if rows := fetch_by(connection, Query("interactions", where), self._frames):
                    return _detached(load_interaction(rows[0]))
        return None

    def iterate_interactions(
        self,
        workflow_id: str,
        run_id: str | None = None,
        *,
        texts: bool = True,
        batch: int = 16,
    ) -> Iterator[Interaction]:
        """Read the interactions of a workflow, or of a run, in the order of recording.

        A few at a time are in memory.

        What is recorded meanwhile is among them, unless it comes after the end was reached.
        """
        without = () if texts else LONG_TEXTS
        where = {"workflow_id": workflow_id}
        query = Query("interactions", where, without=without, at_most=batch, run_id=run_id)
        return (_detached(load_interaction(values)) for values in self._iterate(query))

    def iterate_rows(self, table: str) -> Iterator[Interaction | Run]:
        """Read every row of a table in the order of recording, a few at a time.

        What is recorded meanwhile may be among them.
        """
        load = _LOADERS[table]
        query = Query(table, at_most=_ROWS_A_READ)
        return (_detached(load(values)) for values in self._iterate(query))

    def _iterate(self, query: Query) -> Iterator[Values]:
        last = 0
        while rows := fetch(self._engine, replace(query, after=last), self._frames):
            yield from rows
            last = int(str(rows[-1]["id"]))

    def iterate_call_figures(self, workflow_ids: Sequence[str]) -> Iterator[Interaction]:
        """Read what sums over the calls of workflows are made of, in no order.

        That is `forge_obs.FIGURES`; all else has its default. `root_run_id` is filled for calls of
        before it was recorded, as far as their run is known. Any number of calls needs little
        memory, and the read lasts until the last one was taken.
        """
        return map(load_interaction, fetch_figures(self._engine, workflow_ids))

    @property
    def calls(self) -> "CallReader":
        """What reads calls across runs."""
        from forge_obs.store.calls import CallReader  # noqa: PLC0415 - one run needs none

        return CallReader(self._engine, self._frames)

    def get_run(self, workflow_id: str, run_id: str | None = None) -> Run | None:
        """Read the newest run of a workflow, or that of a run id; None if there is none."""
        where = {"workflow_id": workflow_id, "run_id": run_id}
        rows = fetch(self._engine, Query("runs", where, newest=1))
        return _detached(load_run(rows[0])) if rows else None

    def list_run_ids(self, workflow_id: str) -> list[str | None]:
        """Read the ids of the runs of a workflow in the order of recording."""
        return fetch_run_ids(self._engine, workflow_id)

    def list_recent_runs(self, limit: int = 20, query: RunQuery | None = None) -> list[Run]:
        """Read the runs that began last, newest first, at most `limit` of them."""
        rows = fetch(self._engine, (query or RunQuery()).narrow(newest=limit))
        return [_detached(load_run(values)) for values in rows]

    def iterate_runs(self, query: RunQuery, *, batch: int = 100) -> Iterator[Run]:
        """Read runs newest first, a few at a time, so that any number needs little memory.

        A run that is recorded meanwhile may be left out.
        """
        before: tuple[str, int] | None = None
        beyond: set[object] = set()
        while True:
            limit = batch + len(beyond)
            rows = fetch(self._engine, query.narrow(newest=limit, before=before))
            for values in rows:
                if values["id"] not in beyond:
                    yield _detached(load_run(values))
            if len(rows) < limit:
                return
            # A row that cannot be read has no moment to go on from: it is read again, and left out.
            sound = [position for position, row in enumerate(rows) if "created_at" in row]
            if sound:
                last = rows[sound[-1]]
                before = str(last["created_at"]), int(str(last["id"]))
            beyond = {row["id"] for row in rows[sound[-1] + 1 if sound else 0 :]}

    def count_calls_without_workflow(
        self, task_id: str | None = None, since: datetime | None = None
    ) -> int:
        """Count the calls that name no workflow, so that no list of runs shows them.

        Args:
            task_id: Only those of this task.
            since: Only those made since; a naive moment is local time.
        """
        moment = None if since is None else format_time(since)
        return count_calls_without_workflow(self._engine, task_id, moment)

    def list_run_models(self) -> list[str]:
        """Read the models that runs asked for, each once and in order."""
        return fetch_run_models(self._engine)

    def list_names(self, limit: int = 1000) -> list[tuple[str, str]]:
        """Read the workflow and task ids of the runs that began last, newest first."""
        query = Query("runs", without=BEHIND_RESULTS, newest=max(0, limit))
        runs = map(load_run, fetch(self._engine, query))
        return [(run.workflow_id, run.task_id) for run in runs]

    def list_workflow_ids_like(self, part: str, limit: int = 20) -> list[str]:
        """Read workflow ids of runs that begin or end with some text, in no order.

        Args:
            part: The text; not empty.
            limit: Most that are read of either kind.
        """
        return fetch_run_names(self._engine, "workflow_id", part, limit)

    def list_task_ids_like(self, part: str, limit: int = 20) -> list[str]:
        """Read task ids of runs that begin or end with some text, as those of workflows are."""
        return fetch_run_names(self._engine, "task_id", part, limit)

    def list_entry_ids(self, prefix: str, limit: int = 20) -> list[str]:
        """Read ids of entries that begin with some text, in order."""
        with reading(self._engine) as connection:
            return fetch_entry_ids(connection, prefix, limit)

    def get_prompt_sizes(self, request_model: str, sample_size: int = 500) -> list[tuple[int, int]]:
        """Read how many characters and input tokens the prompts of a model's calls had.

        Only answers of a provider that reported its tokens count, among the newest calls.
        """
        return fetch_prompt_sizes(self._engine, request_model, sample_size)

    def get_backlog(self) -> "Backlog":
        """Count the entries that wait beside the database, and those that are lost."""
        from forge_obs.recorder import get_backlog  # noqa: PLC0415 - all else needs no writer

        return get_backlog(self.path)


def get_interactions(
    engine: Engine,
    task_id: str | None = None,
    step_id: str | None = None,
    *,
    workflow_id: str | None = None,
    run_id: str | None = None,
    texts: bool = True,
) -> list[Interaction]:
    """Read interactions: see `StoreReader.get_interactions`."""
    reader = StoreReader(engine)
    return reader.get_interactions(
        task_id, step_id, workflow_id=workflow_id, run_id=run_id, texts=texts
    )


def get_run(engine: Engine, workflow_id: str, run_id: str | None = None) -> Run | None:
    """Read a run: see `StoreReader.get_run`."""
    return StoreReader(engine).get_run(workflow_id, run_id)


def list_recent_runs(
    engine: Engine,
    limit: int = 20,
    *,
    task_id: str | None = None,
    status: str | None = None,
    model_name: str | None = None,
    since: datetime | None = None,
) -> list[Run]:
    """Read the newest runs: see `StoreReader.list_recent_runs`, and `RunQuery` for the keywords."""
    query = RunQuery(task_id, status, model_name, since)
    return StoreReader(engine).list_recent_runs(limit, query)


def get_shown_status(run: Run) -> str:
    """Return the status to show: `interrupted` for a running run whose process is gone."""
    return shown_status(run, now=datetime.now(UTC), host=get_host(), is_alive=is_alive)


def _detached(row: Row) -> Row:
    # While another thread imports it, it has no such function yet, and maps no row that is read.
    detach = getattr(sys.modules.get("forge_obs.database.orm"), "detach", None)
    return row if detach is None else detach(row)


Where: TypeAlias = dict[str, int | str | None]


def _find_call(connection: Connection, id_or_prefix: int | str) -> Iterator[Where]:
    """Give what a call may be known by, surest first."""
    if isinstance(id_or_prefix, int):
        yield {"id": min(id_or_prefix, MAX_COUNT)}
        return
    spellings = _spell(id_or_prefix)
    for spelling in spellings:
        yield {"entry_id": spelling}
    for spelling in spellings:
        entry_id = _find_entry_id(connection, spelling)
        if entry_id is not None:
            yield {"entry_id": entry_id}
    if id_or_prefix.isascii() and id_or_prefix.isdecimal():
        yield {"id": min(int(id_or_prefix), MAX_COUNT)}


def _spell(entry_id: str) -> list[str]:
    """List how an id may be on record: as it is, or as the bare digits of a UUID."""
    digits = entry_id.replace("-", "").lower()
    return list(dict.fromkeys([entry_id, digits] if set(digits) <= set(hexdigits) else [entry_id]))


def _find_entry_id(connection: Connection, prefix: str) -> str | None:
    if len(prefix) < SHORTEST_PREFIX:
        return None
    entry_ids = fetch_entry_ids(connection, prefix, limit=_MOST_NAMED + 1)
    if len(entry_ids) > 1:
        raise AmbiguousId(prefix, entry_ids[:_MOST_NAMED], more=len(entry_ids) > _MOST_NAMED)
    return entry_ids[0] if entry_ids else None
